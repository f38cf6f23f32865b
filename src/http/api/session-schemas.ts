// The requests and answers of a playback session as schemas: checked here, published in /openapi.json.
import Type from 'typebox';
import { PROFILE_NAMES } from '#domain/delivery/profiles.ts';

export const Position = Type.Integer({ minimum: 0, maximum: 1_000 * 3_600_000 });
const Names = Type.Array(Type.String({ maxLength: 32 }), { maxItems: 64 });
const Pixels = Type.Integer({ minimum: 0, maximum: 65_535 });
const OneOf = <const T extends string>(...choices: T[]) => Type.Unsafe<T>(Type.Enum(choices));

export const PlaybackStateSchema = OneOf('playing', 'paused', 'buffering');
export const SeekModeSchema = OneOf('keyframe', 'precise');

export const ProfileSchema = OneOf(...PROFILE_NAMES);

/** Each overrides the profile's. */
export const CapabilityFields = {
  containers: Type.Optional(Names),
  videoCodecs: Type.Optional(Names),
  audioCodecs: Type.Optional(Names),
  maxWidth: Type.Optional(Pixels),
  maxHeight: Type.Optional(Pixels),
  maxBandwidthBps: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000_000_000 })),
  /** Channels that can be heard apart; 0: unknown. */
  maxAudioChannels: Type.Optional(Type.Integer({ minimum: 0, maximum: 64 })),
  hdr: Type.Optional(Names),
  /** It shows the part of a picture that its file says is to be shown. */
  crops: Type.Optional(Type.Boolean()),
  hls: Type.Optional(OneOf('native', 'mse', 'none')),
  segments: Type.Optional(OneOf('fmp4', 'mpegts')),
};

export const StartBody = Type.Object({
  mediaId: Type.String({ maxLength: 40 }),
  /** This very file; absent: the version of its film that the client takes most directly, unless a track of the file is named. */
  exact: Type.Optional(Type.Boolean()),
  client: Type.Optional(
    Type.Object({
      profile: Type.Optional(ProfileSchema),
      capabilities: Type.Optional(Type.Object(CapabilityFields)),
    }),
  ),
  startPositionMs: Type.Optional(Position),
  delivery: Type.Optional(OneOf('auto', 'direct', 'remux', 'transcode')),
  seekMode: Type.Optional(SeekModeSchema),
  audioTrack: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000 })),
  subtitleTrack: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000 })),
  burnSubtitles: Type.Optional(Type.Boolean()),
  priority: Type.Optional(OneOf('interactive', 'background')),
});

/** A hundred days in milliseconds, ten gigabits: more than any player can mean. */
const MAX_STAT = 10_000_000_000;

/** Numbers a player measured since the session began; counts only grow. */
export const StatsSchema = Type.Object({
  ttffMs: Type.Optional(Type.Union([Type.Number({ minimum: 0, maximum: MAX_STAT }), Type.Null()])),
  seekLatencyMs: Type.Optional(Type.Union([Type.Number({ minimum: 0, maximum: MAX_STAT }), Type.Null()])),
  rebufferCount: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_STAT })),
  rebufferMs: Type.Optional(Type.Number({ minimum: 0, maximum: MAX_STAT })),
  droppedFrames: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_STAT })),
  totalFrames: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_STAT })),
  bufferMs: Type.Optional(Type.Number({ minimum: 0, maximum: MAX_STAT })),
  rung: Type.Optional(Type.Union([Type.String({ maxLength: 40 }), Type.Null()])),
  bandwidthBps: Type.Optional(Type.Union([Type.Number({ minimum: 0, maximum: MAX_STAT }), Type.Null()])),
});

const Time = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const HeartbeatFields = {
  positionMs: Position,
  state: PlaybackStateSchema,
  /** When the position was reached, by the player's clock; absent: now. */
  updatedAtMs: Type.Optional(Time),
  /** What that clock said as it was sent: how wrong it goes. */
  sentAtMs: Type.Optional(Time),
  playbackRate: Type.Optional(Type.Number({ minimum: 0, maximum: 16 })),
  stats: Type.Optional(StatsSchema),
};

export const HeartbeatAnswer = Type.Object({ expiresAtMs: Type.Integer(), streamUrl: Type.Optional(Type.String()) });
export const SeekAnswer = Type.Object({ positionMs: Type.Integer(), segment: Type.Integer() });
const Queue = Type.Object({
  position: Type.Integer({ minimum: 1 }),
  depth: Type.Integer(),
  estimatedWaitMs: Type.Union([Type.Integer(), Type.Null()]),
});

export const SessionAnswer = Type.Object({
  sessionId: Type.String(),
  mediaId: Type.String(),
  userId: Type.String(),
  state: Type.String(),
  delivery: Type.String(),
  reasons: Type.Array(Type.String()),
  rung: Type.Union([Type.String(), Type.Null()]),
  positionMs: Type.Integer(),
  createdAtMs: Type.Integer(),
  expiresAtMs: Type.Integer(),
  encodes: Type.Array(Type.Unknown()),
  /** The position in the queue of a session that waits for a transcoder. */
  queue: Type.Union([Queue, Type.Null()]),
  /** For the owner of a session that was answered with 202, once its turn has come. */
  streamUrl: Type.Optional(Type.String()),
});
const startFields = {
  sessionId: Type.String(),
  /** The file that is played. */
  mediaId: Type.String(),
  state: Type.String(),
  delivery: Type.String(),
  reasons: Type.Array(Type.String()),
  controlUrl: Type.String(),
  startPositionMs: Type.Integer(),
  durationMs: Type.Integer(),
  expiresAtMs: Type.Integer(),
  heartbeatIntervalMs: Type.Integer(),
  queueWaitMs: Type.Integer(),
  tracks: Type.Object({ video: Type.Array(Type.Unknown()), audio: Type.Array(Type.Unknown()), subtitles: Type.Array(Type.Unknown()) }),
  /** The one that is shown from the start. */
  subtitleTrack: Type.Union([Type.Integer(), Type.Null()]),
  ladder: Type.Array(Type.Unknown()),
  /** Tiles of small pictures for a seek bar: `<tile>.jpg` beside the playlist. Null for a film that has no picture. */
  previews: Type.Union([
    Type.Null(),
    Type.Object({
      playlistUrl: Type.String(),
      intervalMs: Type.Integer(),
      count: Type.Integer(),
      width: Type.Integer(),
      height: Type.Integer(),
      columns: Type.Integer(),
      rows: Type.Integer(),
    }),
  ]),
};
export const StartAnswer = Type.Object({ ...startFields, streamUrl: Type.String() });
/** The stream URL follows: in a `state` message of the control connection, and in `GET /api/v1/sessions/:sessionId`. */
export const QueuedAnswer = Type.Object({ ...startFields, queue: Type.Union([Queue, Type.Null()]) });
