// Everything that the main thread and a session host say to each other. Both sides import this file and nothing else of one another.
import type { EncoderTrial, HardwareKind } from './encoders.ts';
import type { ErrorRecord } from './errors.ts';
import type { MediaId, SessionId } from './ids.ts';
import type { KeyframeMap, Media } from './media.ts';
import type { AudioForm, RenditionKey, SegmentName } from './rendition.ts';
import type { PlaybackState, SessionEnd, SessionRecord, SessionStatus } from './session.ts';
import type { ReadableText } from './subtitles/tracks.ts';

/** Compared when a thread reports ready; raised when a message changes meaning. */
export const PROTOCOL_VERSION = 6;

/** What a thread is given when it starts. */
export type HostOptions = {
  readonly ffmpegPath: string;
  readonly ffprobePath: string;
  readonly spawnerSocketPath: string;
  /** How many ffmpeg processes it may keep waiting for a film. */
  readonly maxWarmEncoders: number;
  /** Where what is taken out of films is kept, such as their subtitles and fonts. */
  readonly extracted: { readonly dir: string; readonly maxBytes: number };
  readonly port: import('node:worker_threads').MessagePort;
  /** Shared: at 0 stands the id of the request that was begun last, for whoever has to find out what stopped the thread. */
  readonly begun: Int32Array;
};

/** What ffprobe and the container's index say about a file. */
export type Inspection = Pick<
  Media,
  'container' | 'version' | 'fingerprint' | 'byteLength' | 'mtimeMs' | 'durationMs' | 'bitrateBps' | 'streams' | 'chapters' | 'tags'
> & {
  readonly keyframes: KeyframeMap;
};

/** Every request names its media: that is what picks the thread. */
type OnMedia = { readonly mediaId: MediaId };
type OnSession = OnMedia & { readonly sessionId: SessionId };

/** What all sessions of a media share: large, so that a thread is told once. */
export type SharedMedia = { readonly media: Media; readonly keyframes: KeyframeMap };

/** A copied segment that nobody has read yet: its own head, then stretches of the media file one after the other. */
export type LocatedSegment = {
  /** `moof` and the header of `mdat`; owns its ArrayBuffer. */
  readonly head: Uint8Array<ArrayBuffer>;
  /** Position in the file and byte length of each stretch, in turn; owns its ArrayBuffer. */
  readonly stretches: Float64Array<ArrayBuffer>;
  /** Of the whole segment. */
  readonly byteLength: number;
};

/** Which subtitles ffmpeg can draw into a picture: text takes libass. */
export type Burnable = { readonly text: boolean; readonly pictures: boolean };

/** A file of ours that may be sent: opened soon, for it makes room for others one day. */
export type KeptFile = { readonly path: string; readonly byteLength: number };

/** Which rendition of a session: a rung of its video, or one of its audio tracks in one of its forms, or a subtitle track. */
export type Track =
  | { readonly kind: 'video'; readonly rungId: string }
  /** The keyframes of a copied picture. */
  | { readonly kind: 'iframes'; readonly rungId: string }
  | { readonly kind: 'audio'; readonly track: number; readonly form?: AudioForm }
  | { readonly kind: 'subtitles'; readonly track: number };

export type Requests = {
  /** The first line of what each program says of its version; null when it can not be started. Any media's thread will do. */
  'tools.check': { input: OnMedia; output: { ffmpeg: string | null; ffprobe: string | null; canBurn: Burnable; readable: ReadableText } };
  /** What ffmpeg can encode to. */
  'machine.encoders': { input: OnMedia; output: { encoders: readonly string[] } };
  /** A few pictures by each encoder that ffmpeg lists, of these kinds, and by each way to decode. */
  'machine.trials': {
    input: OnMedia & { readonly software: boolean; readonly hardware: readonly HardwareKind[] };
    output: { trials: readonly EncoderTrial[] };
  };
  /** Whether ffmpeg brings high dynamic range and wide gamut down to a plain screen. */
  'machine.colours': { input: OnMedia; output: { canConvert: boolean } };
  /** Some seconds of real work: pixels a second of processor time that one core decodes, scales and encodes. */
  'machine.measure': { input: OnMedia; output: { pixelsPerCpuSecond: number } };
  /** `isOpen` is false when the thread does not know the media: ask again with `shared`. */
  'session.open': { input: OnMedia & { record: SessionRecord; shared: SharedMedia | null }; output: { isOpen: boolean } };
  /** Resolves when every ffmpeg of the session is gone. */
  'session.close': { input: OnSession & { reason: SessionEnd }; output: null };
  'session.describe': { input: OnSession; output: SessionStatus };
  /**
   * Replies when the segment has been published; its bytes came before in a `segment` message. `positionMs`: where the viewer is.
   * Rejects with GRANT_NEEDED where a new video encode would have to start and `mayEncode` is false. A new encode ends before
   * `untilIndex`: from there on a stretch is kept already.
   */
  'segment.prepare': {
    input: OnSession & {
      track: Track;
      name: SegmentName;
      positionMs: number;
      /** Nobody waits for the segment: a later request of the same rendition replaces this one. */
      isHint: boolean;
      /** Of a rung that nobody watches yet: made only where nobody else needs the machine. Then it is a hint, too. */
      isAhead: boolean;
      mayEncode: boolean;
      /** A new encode of a picture may run beside others of its session; else it takes their turn when nobody waits for them. */
      mayRunBeside: boolean;
      untilIndex: number | null;
    };
    output: null;
  };
  /** A subtitle track as it was authored, as a file that is kept. */
  'subtitles.source': { input: OnSession & { track: number }; output: KeptFile };
  /** The fonts that are attached to the film, as files that are kept. */
  'fonts.list': { input: OnSession; output: { readonly fonts: readonly KeptFile[] } };
  /** Where a copied segment lies in its media file; only where the plan of the container tells (`copyMethod` `mp4`). */
  'segment.locate': { input: OnSession & { track: Track; index: number }; output: LocatedSegment };
};
export type RequestType = keyof Requests;
export type RequestHandlers = { [T in RequestType]: (input: Requests[T]['input'], signal: AbortSignal) => Promise<Requests[T]['output']> };

export type ToWorker =
  | {
      [T in RequestType]: { readonly kind: 'request'; readonly id: number; readonly type: T; readonly input: Requests[T]['input'] };
    }[RequestType]
  /** Nobody waits for that request any more. What it started goes on: others may want it. */
  | { readonly kind: 'cancel'; readonly id: number }
  /** Where the viewer is and what it does. */
  | { readonly kind: 'heartbeat'; readonly sessionId: SessionId; readonly positionMs: number; readonly state: PlaybackState }
  /** A segment went out from memory: moves the limit up to which encodes may run ahead. */
  | { readonly kind: 'sent'; readonly sessionId: SessionId; readonly track: Track; readonly index: number }
  /** A seek came to what is kept already: what an earlier one wanted of the track, and has not begun, is wanted no more. */
  | { readonly kind: 'overtaken'; readonly sessionId: SessionId; readonly track: Track }
  /** Others need what the session's encodes of rungs take that nobody watches yet. */
  | { readonly kind: 'ahead-ended'; readonly sessionId: SessionId }
  /** An encode made again what was kept already, and the segments from `fromIndex` up to before `untilIndex` are kept too. */
  | { readonly kind: 'covered'; readonly key: RenditionKey; readonly fromIndex: number; readonly untilIndex: number }
  /** Answered by the event loop as soon as it turns. `asked`: the id of the last request before it. */
  | { readonly kind: 'ping'; readonly asked: number }
  | { readonly kind: 'drain'; readonly deadlineMs: number };

/** Labels never name a user, a title or a session. */
export type Measurement =
  | { readonly name: 'remux_segment_ms'; readonly value: number; readonly rung: string }
  | {
      readonly name: 'encode_started' | 'encode_superseded' | 'encode_failed' | 'encode_finished' | 'ffprobe_started';
      readonly value: 1;
      readonly rung: string;
    }
  /** `encoder`: its `encoderKey`. Failed: software has made what it could not. Worked: it had failed before. */
  | { readonly name: 'hardware_failed' | 'hardware_worked'; readonly value: 1; readonly encoder: string };

export type FromWorker =
  | { readonly kind: 'ready'; readonly version: number; readonly threadId: number }
  | { readonly kind: 'pong'; readonly asked: number }
  | { readonly kind: 'reply'; readonly id: number; readonly output: Requests[RequestType]['output'] }
  | { readonly kind: 'failure'; readonly id: number; readonly error: ErrorRecord }
  /** The first chunk of a segment that is still being made, where an encode begins; it is the start of that segment's bytes. Transferred. */
  | { readonly kind: 'chunk'; readonly key: RenditionKey; readonly index: number; readonly bytes: ArrayBuffer }
  /** A finished segment. `bytes` is transferred: the sender no longer has it. */
  | {
      readonly kind: 'segment';
      readonly key: RenditionKey;
      readonly name: SegmentName;
      readonly isEncoded: boolean;
      /** Its first chunk went ahead. */
      readonly isBegun: boolean;
      /** A whole film may have been read for it: worth keeping on disk. */
      readonly isExtracted?: boolean;
      readonly bytes: ArrayBuffer;
    }
  | { readonly kind: 'session.changed'; readonly sessionId: SessionId; readonly status: SessionStatus }
  | { readonly kind: 'session.ended'; readonly sessionId: SessionId; readonly reason: SessionEnd }
  | { readonly kind: 'log'; readonly level: 'warn' | 'error'; readonly message: string; readonly detail: Record<string, unknown> }
  | { readonly kind: 'measured'; readonly measurement: Measurement };
