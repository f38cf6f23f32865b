// A container whose own index says where every sample lies: segments are built from it in this process, without ffmpeg and without state.
import type { AudioTimeline, CopyMethod, Crop, Rational, VideoTimeline } from '#domain/media.ts';
import type { LocatedSegment } from '#domain/protocol.ts';

/** A segment to build: `index` is its number in the plan, boundaries are source PTS in the track's timescale. */
export type SegmentSpan = {
  readonly index: number;
  readonly fromPts: number;
  readonly toPts: number;
  /** The source PTS that stands at 0 of the rendition's timeline. */
  readonly originPts: number;
  /** Ticks of the rendition's clock in one of the source's: a whole number. */
  readonly factor: number;
  /**
   * What the decode time of the first sample (tfdt) is. `presentation`: the earliest PTS of the segment, with signed composition offsets,
   * as a CMAF track has it (ISO/IEC 23000-19, 7.5.17 and 7.5.20): players anchor a track there. `decode`: the source's own, for a decoder that is fed.
   */
  readonly anchor: 'presentation' | 'decode';
};

/** `signal` ends the reading of an index with CANCELLED. */
export type OpenOptions = { readonly signal?: AbortSignal };

/** A packet of a track, at so many seconds of the source's clock; `frames`: how many it holds. */
export type SizedPacket = { readonly streamIndex: number; readonly atS: number; readonly byteLength: number; readonly frames: number };

export interface RemuxSource {
  readonly copyMethod: Exclude<CopyMethod, 'ffmpeg'>;
  /** ffmpeg's stream index of the picture. */
  readonly videoIndex: number;
  readonly video: VideoTimeline;
  /** Degrees clockwise by which a player must turn the picture; null: as ffprobe tells. */
  readonly rotation: number | null;
  /** The part of the picture that is to be shown; null: the whole. */
  readonly crop: Crop | null;
  /** Shape of a pixel, width to height, of a picture that is cropped; null: as ffprobe tells. */
  readonly pixelAspect: Rational | null;
  /** Where pictures follow each other closest, so many a second; null: not known, or told by ffprobe just as well. */
  readonly closestFps: number | null;
  /** By ffmpeg's stream index, in file order. */
  readonly audio: readonly AudioTimeline[];
  /** RFC 6381 codec string of a track, from its configuration record. */
  codecString(streamIndex: number): string | null;
  /** `ftyp` + `moov` of one track, on the source's clock times `factor`. Throws MEDIA_UNSUPPORTED when the codec has no known fMP4 packaging. */
  initSegment(streamIndex: number, factor: number): Buffer;
  /**
   * `moof` + `mdat`: video, the samples in decode order from the keyframe at `fromPts` up to the keyframe at `toPts`
   * (to the end of the track when there is none); audio, the frames that start in [fromPts, toPts).
   * Throws MEDIA_CHANGED when the file no longer holds what the index says, SEGMENT_NOT_FOUND when no sample lies there.
   */
  segment(streamIndex: number, span: SegmentSpan): Promise<Buffer>;
  /**
   * The sample of the keyframe at `pts` alone, as a decoder takes it.
   * Throws MEDIA_CHANGED as `segment` does, SEGMENT_NOT_FOUND when no keyframe stands there.
   */
  keyframe(pts: number): Promise<Buffer>;
  /**
   * Where the bytes of `segment` lie, without reading any of them; null for a container whose index does not tell.
   * The caller, which reads the stretches, has to check that the file is still the one that was opened. Throws as `segment` does.
   */
  locate(streamIndex: number, span: SegmentSpan): Promise<LocatedSegment | null>;
  /**
   * The sizes of all packets of picture and sound in file order, for which all of the file is walked through: of a container whose index does
   * not tell them, and null of one that answers `locate`. Throws MEDIA_CHANGED, MEDIA_UNREADABLE.
   */
  sizes(): AsyncIterable<readonly SizedPacket[]> | null;
  /** Bytes of memory the index takes, for a cache that is bounded by bytes. */
  readonly indexByteLength: number;
  close(): Promise<void>;
}
