// One viewer watching one media: the terms that were agreed when the session started, and its state since.
import type { ProfileName } from './delivery/profiles.ts';
import type { Reach } from './encode-position.ts';
import type { MediaId, SessionId, UserId } from './ids.ts';
import type { AudioRendition, SubtitleRendition, VideoRendition } from './rendition.ts';

export type Delivery = 'direct' | 'remux' | 'transcode';
export type SeekMode = 'keyframe' | 'precise';
export type Priority = 'interactive' | 'background';

/** Why a cheaper delivery was not chosen. */
export type DeliveryReason =
  | 'container-unsupported'
  | 'video-codec-unsupported'
  | 'video-profile-unsupported'
  | 'audio-codec-unsupported'
  | 'audio-channels-unsupported'
  | 'audio-not-copyable'
  | 'resolution-too-high'
  | 'bitrate-too-high'
  | 'hdr-unsupported'
  /** Its pictures have colours that nothing but a Dolby Vision decoder can show, or turn into others. */
  | 'dolby-vision-only'
  /** This machine's ffmpeg has no filter that brings its range down to a plain screen. */
  | 'tone-mapping-unavailable'
  | 'keyframes-too-far-apart'
  | 'audio-track-selected'
  | 'video-not-copyable'
  /** Only a part of its picture is to be shown, and the player would show the whole. */
  | 'picture-cropped'
  | 'subtitles-burned-in'
  | 'requested-by-client';

/** Everything a session may fetch: fixed when it starts, so its URLs give the same bytes for its whole life. */
export type Offer = {
  readonly delivery: Delivery;
  readonly reasons: readonly DeliveryReason[];
  readonly targetMs: number;
  /** MPEG-TS segments for a player that takes no other. Absent: fragmented MP4. */
  readonly segments?: 'mpegts';
  /** Start rung first. */
  readonly video: readonly VideoRendition[];
  /** Selected track first. */
  readonly audio: readonly AudioRendition[];
  /** By track. */
  readonly subtitles: readonly SubtitleRendition[];
  /** Those whose source alone is delivered, pictures that players draw: by track. Absent in sessions of earlier versions. */
  readonly drawnSubtitles?: readonly SubtitleRendition[];
  /** The subtitle track that is shown from the start: the API's number. */
  readonly subtitleTrack: number | null;
};

export type SessionRecord = {
  readonly id: SessionId;
  readonly userId: UserId;
  readonly mediaId: MediaId;
  readonly mediaVersion: string;
  readonly offer: Offer;
  readonly profile: ProfileName;
  readonly seekMode: SeekMode;
  readonly priority: Priority;
  readonly startPositionMs: number;
  /** The encoded picture segment that its playlists offer as two: the start is shown with the first. Null: none. */
  readonly splitIndex: number | null;
  readonly createdAtMs: number;
  /** The lease as last renewed. */
  readonly expiresAtMs: number;
};

export type PlaybackState = 'playing' | 'paused' | 'buffering';

export type SessionEnd = 'stopped' | 'expired';

/** The live state of a session, as its actor reports it. */
export type SessionStatus = {
  readonly state: 'ready' | 'playing' | 'paused' | 'buffering' | 'stopped' | 'expired';
  readonly positionMs: number;
  readonly rungId: string | null;
  readonly encodes: readonly EncodeStatus[];
};

/** Its reach is that for others. */
export type EncodeStatus = Reach & {
  readonly rendition: string;
  readonly state: string;
  readonly firstIndex: number;
};
