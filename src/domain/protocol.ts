// Everything that the main thread and a session host say to each other. Both sides import this file and nothing else of one another.
import type { ErrorRecord } from './errors.ts';
import type { MediaId, SessionId } from './ids.ts';
import type { KeyframeMap, Media } from './media.ts';
import type { RenditionKey, SegmentName } from './rendition.ts';
import type { PlaybackState, SessionEnd, SessionRecord, SessionStatus } from './session.ts';

/** Compared when a thread reports ready; raised when a message changes meaning. */
export const PROTOCOL_VERSION = 1;

/** What a thread is given when it starts. */
export type HostOptions = {
  readonly ffmpegPath: string;
  readonly ffprobePath: string;
  readonly spawnerSocketPath: string;
  readonly port: import('node:worker_threads').MessagePort;
};

/** What ffprobe and the container's index say about a file. */
export type Inspection = Pick<
  Media,
  'container' | 'version' | 'byteLength' | 'mtimeMs' | 'durationMs' | 'bitrateBps' | 'streams' | 'chapters'
> & {
  /** The container's own title tag. */
  readonly title: string | null;
  readonly keyframes: KeyframeMap;
};

/** Every request names its media: that is what picks the thread. */
type OnMedia = { readonly mediaId: MediaId };
type OnSession = OnMedia & { readonly sessionId: SessionId };

/** Which rendition of a session: a rung of its video, or one of its audio tracks. */
export type Track = { readonly kind: 'video'; readonly rungId: string } | { readonly kind: 'audio'; readonly track: number };

export type Requests = {
  /** The first line of what each program says of its version; null when it can not be started. Any media's thread will do. */
  'tools.check': { input: OnMedia; output: { ffmpeg: string | null; ffprobe: string | null } };
  /** ffprobe and the keyframe map of a file; MEDIA_UNREADABLE says why not. */
  'media.inspect': { input: OnMedia & { path: string }; output: Inspection };
  /** A frame as JPEG, at most `width` pixels wide. */
  'media.poster': { input: OnMedia & { path: string; atMs: number; width: number }; output: { bytes: ArrayBuffer } };
  'session.open': { input: OnMedia & { record: SessionRecord; media: Media; keyframes: KeyframeMap }; output: null };
  'session.heartbeat': { input: OnSession & { positionMs: number; state: PlaybackState }; output: SessionStatus };
  /** Resolves when every ffmpeg of the session is gone. */
  'session.close': { input: OnSession & { reason: SessionEnd }; output: null };
  'session.describe': { input: OnSession; output: SessionStatus };
  /** Replies when the segment has been published; its bytes came before in a `segment` message. `positionMs`: where the viewer is. */
  'segment.prepare': { input: OnSession & { track: Track; name: SegmentName; positionMs: number }; output: null };
};
export type RequestType = keyof Requests;
export type RequestHandlers = { [T in RequestType]: (input: Requests[T]['input'], signal: AbortSignal) => Promise<Requests[T]['output']> };

export type ToWorker =
  | {
      [T in RequestType]: { readonly kind: 'request'; readonly id: number; readonly type: T; readonly input: Requests[T]['input'] };
    }[RequestType]
  /** Nobody waits for that request any more. What it started goes on: others may want it. */
  | { readonly kind: 'cancel'; readonly id: number }
  /** A segment went out from memory: moves the window that encodes may run ahead. */
  | { readonly kind: 'served'; readonly sessionId: SessionId; readonly track: Track; readonly index: number }
  | { readonly kind: 'drain'; readonly deadlineMs: number };

/** Labels never name a user, a title or a session. */
export type Measurement =
  | { readonly name: 'remux_segment_ms'; readonly value: number; readonly rung: string }
  | {
      readonly name: 'encode_started' | 'encode_superseded' | 'encode_failed' | 'encode_finished' | 'ffprobe_started';
      readonly value: 1;
      readonly rung: string;
    };

export type FromWorker =
  | { readonly kind: 'ready'; readonly version: number }
  | { readonly kind: 'reply'; readonly id: number; readonly output: Requests[RequestType]['output'] }
  | { readonly kind: 'failure'; readonly id: number; readonly error: ErrorRecord }
  /** A finished segment. `bytes` is transferred: the sender no longer has it. */
  | {
      readonly kind: 'segment';
      readonly key: RenditionKey;
      readonly name: SegmentName;
      readonly isEncoded: boolean;
      readonly bytes: ArrayBuffer;
    }
  | { readonly kind: 'session.changed'; readonly sessionId: SessionId; readonly status: SessionStatus }
  | { readonly kind: 'session.ended'; readonly sessionId: SessionId; readonly reason: SessionEnd }
  | { readonly kind: 'log'; readonly level: 'warn' | 'error'; readonly message: string; readonly detail: Record<string, unknown> }
  | { readonly kind: 'measured'; readonly measurement: Measurement };
