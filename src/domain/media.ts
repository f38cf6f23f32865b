// One title on demand as the catalogue knows it: the file, its streams, and the keyframe map derived from them.
import type { OwnLimits } from './access/limits.ts';
import type { NameFacts } from './catalogue/name-facts.ts';
import type { Colour, Hdr } from './colour/colour.ts';
import type { FailedRates, FilmRates } from './delivery/film-rates.ts';
import { FerriteError } from './errors.ts';
import type { GroupId, LibraryId, MediaId, PlaceId, UserId } from './ids.ts';

/** Exact fraction, such as 24000/1001 frames per second. */
export type Rational = { readonly num: number; readonly den: number };

type StreamBase = {
  /** ffmpeg's stream index in the file, for `-map 0:<index>`. */
  readonly index: number;
  /** ffprobe's codec name: h264, hevc, vp9, av1, aac, ac3, eac3, opus, flac, mp3, subrip, … */
  readonly codec: string;
  /** BCP 47 or ISO 639, as in the file; null when the file names no language. */
  readonly language: string | null;
  readonly title: string | null;
  readonly isDefault: boolean;
};

/** A part of a picture, in its own pixels. */
export type Crop = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

export type VideoStream = StreamBase & {
  /** The codec string of RFC 6381, such as avc1.640028 or hvc1.1.6.L93.B0; null when the file does not tell it. */
  readonly codecString: string | null;
  readonly profile: string | null;
  readonly width: number;
  readonly height: number;
  /** All that is to be shown of the picture, before it is turned (MP4's clean aperture, Matroska's PixelCrop); null: the whole. */
  readonly crop: Crop | null;
  /** Shape of a pixel, width to height: 1/1 when it is square. */
  readonly pixelAspect: Rational;
  /** Pictures a second of the file itself, the most where they vary: what a copy has. */
  readonly sourceFrameRate: Rational;
  /** Constant rate of every encode of this media; see `encodeFrameRate` in plan.ts. */
  readonly frameRate: Rational;
  readonly isVariableFrameRate: boolean;
  readonly bitDepth: number;
  readonly isInterlaced: boolean;
  readonly colour: Colour;
  /** What the colours come to; Dolby Vision too where its base layer is of another kind. */
  readonly hdr: Hdr | null;
  /** Its pictures carry closed captions (CEA-608, CEA-708): a copy has them too, and H.264 of most encoders writes what it was given. */
  readonly hasCaptions: boolean;
  /** Reorder depth in frames (ffprobe has_b_frames). */
  readonly reorderFrames: number;
  readonly bitrateBps: number;
  /** Degrees clockwise that a player must turn the picture: 0, 90, 180 or 270. */
  readonly rotation: number;
};

export type AudioStream = StreamBase & {
  readonly codecString: string | null;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bitrateBps: number;
};

export type SubtitleStream = StreamBase & {
  readonly kind: 'text' | 'image';
  readonly isForced: boolean;
  readonly isHearingImpaired: boolean;
};

export const SIDECAR_FORMATS = ['srt', 'vtt', 'ass', 'ssa', 'sub', 'ttml', 'smi', 'sup', 'idx'] as const;
export type SidecarFormat = (typeof SIDECAR_FORMATS)[number];

/** A subtitle file beside its film, and what its name says of it. */
export type Sidecar = ScannedFile & {
  /** Absolute. No answer contains it. */
  readonly path: string;
  readonly format: SidecarFormat;
  /** Of an `.idx` of several languages: which of its parts. */
  readonly part?: number;
  /** BCP 47. */
  readonly language: string | null;
  /** What its name says and is neither a language nor a mark. */
  readonly title: string | null;
  readonly isDefault: boolean;
  readonly isForced: boolean;
  readonly isHearingImpaired: boolean;
};

export type Chapter = { readonly startMs: number; readonly endMs: number; readonly title: string | null };

/** The track numbers of the API (`audioTrack: 0`) are positions in these lists, not ffmpeg indexes. */
export type Streams = {
  readonly video: readonly VideoStream[];
  readonly audio: readonly AudioStream[];
  readonly subtitles: readonly SubtitleStream[];
};

/** What the container says of the film that it holds. Null: nothing. */
export type EmbeddedTags = {
  readonly title: string | null;
  readonly show: string | null;
  readonly season: number | null;
  readonly episode: number | null;
  /** As it is written: a year, or a day. */
  readonly date: string | null;
  readonly description: string | null;
  readonly genres: readonly string[];
};

export type Container = 'mp4' | 'matroska' | 'webm' | 'mpegts' | 'avi' | 'other';

export type Media = NameFacts & {
  readonly id: MediaId;
  readonly libraryId: LibraryId;
  /** Absolute path on the server. No answer contains it. */
  readonly path: string;
  /** Inside its folder of the library, `/` between names. */
  readonly name: string;
  /** Which path of its library that is. Absent: the one that its id was made of. */
  readonly place?: PlaceId;
  readonly container: Container;
  /** Changes with the file (size, mtime, first and last 64 KiB): everything derived from the file is keyed by it. */
  readonly version: string;
  /** Of its bytes alone (length, first and last 64 KiB): the same wherever the file is moved, and when. */
  readonly fingerprint: string;
  readonly byteLength: number;
  readonly mtimeMs: number;
  readonly durationMs: number;
  readonly bitrateBps: number;
  readonly streams: Streams;
  /** Subtitle files beside it, by name. */
  readonly sidecars: readonly Sidecar[];
  readonly chapters: readonly Chapter[];
  /** Null until a scan has made the map. */
  readonly keyframes: KeyframeFacts | null;
  /** Null: not cut yet. */
  readonly hasPoster: boolean | null;
  readonly addedAtMs: number;
  /** Absent: its inspection found none. */
  readonly tags?: EmbeddedTags;
  /** Absent: not measured yet. */
  readonly rates?: FilmRates;
  /** How often they could not be measured. */
  readonly ratesFailed?: FailedRates;
};

export const placeOf = ({ id, place }: Pick<Media, 'id' | 'place'>): PlaceId => place ?? (id as string as PlaceId);

/** What cuts the copied segments: the in-process remuxer where the container's own index allows it, else `ffmpeg -c copy`. */
export type CopyMethod = 'mp4' | 'matroska' | 'ffmpeg';

/**
 * The times of one track's samples, without the samples. A plan is computed from them.
 * PTS are integers in `timescale` units, as the file has them.
 */
export type VideoTimeline = {
  readonly timescale: number;
  /** PTS of media time 0: the presentation's beginning. A whole number of frames before `firstShownPts`: 0, or more where the sound begins sooner. */
  readonly originPts: number;
  /** PTS of every keyframe a decoder can start at, ascending. */
  readonly keyframes: readonly number[];
  /** PTS of the picture that is shown first: the first keyframe's, or a later one's where the file hides what comes before (the in-point of an edit list). */
  readonly firstShownPts: number;
  /** PTS at which the last frame stops being shown. */
  readonly endPts: number;
  /** True when frames that follow a keyframe in the file are shown before it (open GOP): such a copy is not independent (RFC 8216, 4.3.5.1). */
  readonly hasLeadingPictures: boolean;
  /** Bits per second of the busiest two seconds of the stream, for BANDWIDTH. */
  readonly peakBitrateBps: number;
};

export type AudioTimeline = {
  /** ffmpeg's stream index. */
  readonly index: number;
  /** Samples per second: the unit of everything below. */
  readonly timescale: number;
  /** PTS of the first frame, in samples, on the same origin as the video's PTS. May be negative (priming). */
  readonly firstPts: number;
  /** Samples per frame when every frame has the same, else null: such a track is re-encoded, never copied. */
  readonly frameDuration: number | null;
  readonly endPts: number;
};

/** The keyframe map: stored per media, valid for one version of the file. */
export type KeyframeMap = {
  readonly version: string;
  readonly copyMethod: CopyMethod;
  /** ffmpeg's `start_time` of the file in microseconds: `-ss` counts from it. */
  readonly startTimeUs: number;
  readonly video: VideoTimeline;
  readonly audio: readonly AudioTimeline[];
  /** Absent: the file's clock goes on from its first byte to its last. Where it does not, all times here are those of the mended clock. */
  readonly mended?: MendedClock;
};

/** How a film is read whose clock jumps: ffmpeg is given its bytes with other times in them, from one of these points on. */
export type MendedClock = {
  /** ffmpeg's name for a transport stream, or a program stream. */
  readonly format: 'mpegts' | 'mpeg';
  readonly tracks: readonly MendedTrack[];
  /**
   * Byte positions of keyframes, ascending: from there on come the picture at `picture` and those after it, and all sound at or after `sound`.
   * In ticks of 90 kHz.
   */
  readonly points: readonly { readonly position: number; readonly picture: number; readonly sound: number }[];
};

export type MendedTrack = {
  readonly streamIndex: number;
  /** What the container calls it, as ffprobe tells: a PID; of a program stream its start code or substream. */
  readonly id: number;
  /** From that byte on, so many ticks of 90 kHz are added to the track's times. */
  readonly changes: readonly { readonly position: number; readonly offset: number }[];
};

/** What the catalogue says of a keyframe map. */
export type KeyframeFacts = { readonly count: number; readonly longestGapMs: number; readonly copyMethod: CopyMethod };

export type Library = {
  readonly id: LibraryId;
  readonly name: string;
  readonly kind: 'movies' | 'shows';
  readonly paths: readonly string[];
  readonly createdAtMs: number;
};

export type Progress = {
  readonly positionMs: number;
  readonly durationMs: number;
  readonly watched: boolean;
  readonly updatedAtMs: number;
};

export type User = {
  readonly id: UserId;
  readonly username: string;
  readonly role: 'admin' | 'viewer';
  readonly enabled: boolean;
  /** argon2id, encoded form. Never leaves the server. */
  readonly passwordHash: string;
  /** Raised by "log out everywhere", a changed role and a disabled account: tokens of an older generation are refused. */
  readonly tokenGeneration: number;
  /** When that was raised last: tokens of other issuers, which carry no generation, are refused where they are older. Absent: never. */
  readonly revokedAtMs?: number;
  /** Whose limits the user has where there are no own ones. Absent: none. */
  readonly groupId?: GroupId | null;
  /** Absent: none of its own. */
  readonly limits?: OwnLimits;
  readonly createdAtMs: number;
};

/** Users with something in common: the limits of those who have none of their own. */
export type Group = { readonly id: GroupId; readonly name: string; readonly limits: OwnLimits; readonly createdAtMs: number };

/** The caller of a request, as its access token names it and the user record confirms it. */
export type Caller = { readonly userId: UserId; readonly username: string; readonly role: User['role'] };

/** A file as its scan saw it. */
export type ScannedFile = Pick<Media, 'byteLength' | 'mtimeMs'>;

/** What a scan notes of a file, of what the system says of it: whole milliseconds, as records and addresses keep them. */
export const scannedFile = ({ size, mtimeMs }: { readonly size: number; readonly mtimeMs: number }): ScannedFile => ({
  byteLength: size,
  mtimeMs: Math.trunc(mtimeMs),
});

export const isSameFile = (one: ScannedFile, other: ScannedFile): boolean =>
  one.byteLength === other.byteLength && one.mtimeMs === other.mtimeMs;

/** @throws MEDIA_CHANGED where what the system says of a file is not what its scan noted */
export function requireUnchanged(facts: { readonly size: number; readonly mtimeMs: number }, scanned: ScannedFile): void {
  if (!isSameFile(scannedFile(facts), scanned)) throw new FerriteError('MEDIA_CHANGED', 'the media file was replaced since it was scanned');
}
