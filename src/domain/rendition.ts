// One media delivered one way: a copied or encoded track. A rendition's properties decide its bytes, so its key addresses them.
import { createHash } from 'node:crypto';
import type { EncodeColour } from './colour/encode-colour.ts';
import type { EncoderName } from './encoders.ts';
import type { Crop, Rational, Sidecar } from './media.ts';

/** Names a rung in addresses; see `addresses.ts`. Tells nothing of what it is: size, codec and rate stand in the rendition. */
export type RungId = string;

export type VideoCopy = {
  readonly kind: 'video-copy';
  readonly rungId: RungId;
  readonly streamIndex: number;
  readonly width: number;
  readonly height: number;
  /** Declared: the peak segment bit rate, and the average over the film. They decide no byte. */
  readonly bandwidthBps: number;
  readonly averageBps?: number;
  readonly codecs: string;
};

/** The keyframes of a copied picture alone, one a segment. */
export type VideoIframes = Omit<VideoCopy, 'kind'> & { readonly kind: 'video-iframes' };

/** A subtitle track that is part of the picture. */
export type BurnedTrack = Pick<SubtitleRendition, 'track' | 'codec' | 'streamIndex' | 'sidecar'>;

export type VideoEncode = {
  readonly kind: 'video-encode';
  readonly rungId: RungId;
  readonly streamIndex: number;
  readonly width: number;
  readonly height: number;
  readonly frameRate: Rational;
  /** The size of the file's pictures where they are made of two fields, which an encode shows as one. Absent: the file has whole pictures. */
  readonly fieldSize?: { readonly width: number; readonly height: number };
  /** The file's pictures are to be turned. Absent: they stand upright. */
  readonly isTurned?: true;
  /** The part of the file's pictures, upright, that is shown. Absent: the whole. */
  readonly crop?: Crop;
  /** Absent: the numbers of the file's pictures stay, and the encode does not say what they mean, as encodes of older sessions have it. */
  readonly colour?: EncodeColour;
  /** Subtitles that the picture shows by itself. Absent: none. */
  readonly burned?: BurnedTrack;
  readonly maxBitrateBps: number;
  /** x264 speed of the first seconds of a run, for which somebody waits; all that follows is `veryfast`, under the same init segment. */
  readonly preset: 'superfast' | 'veryfast';
  /** ffmpeg's name of what makes it. Absent: x264. */
  readonly encoder?: EncoderName;
  /** Of an encoder of which the machine may have several. */
  readonly device?: string;
  /** Declared: the peak segment bit rate, and the average over the film. They decide no byte. */
  readonly bandwidthBps: number;
  readonly averageBps?: number;
  readonly codecs: string;
};

/** A track's second rendition: its sound as full as the client takes it, beside the AAC stereo that every player plays. */
export type AudioForm = 'full';

export type AudioCopy = {
  readonly kind: 'audio-copy';
  /** Absent: the stereo one. */
  readonly form?: AudioForm;
  /** Position among the media's audio streams: the API's `audioTrack`. */
  readonly track: number;
  readonly streamIndex: number;
  readonly channels: number;
  /** Declared: the peak segment bit rate, and the average over the film. They decide no byte. */
  readonly bandwidthBps: number;
  readonly averageBps?: number;
  readonly codecs: string;
};

export type AudioEncode = {
  readonly kind: 'audio-encode';
  readonly form?: AudioForm;
  readonly track: number;
  readonly streamIndex: number;
  readonly channels: number;
  readonly bitrateBps: number;
  /** Declared: the peak segment bit rate, and the average over the film. They decide no byte. */
  readonly bandwidthBps: number;
  readonly averageBps?: number;
  readonly codecs: string;
};

/** Text as segmented WebVTT, of a stream of the film or a file beside it. */
export type SubtitleRendition = {
  readonly kind: 'subtitle';
  /** Position among the media's subtitle tracks: the API's `subtitleTrack`. */
  readonly track: number;
  /** What a menu shows: unlike any other track's of the film. */
  readonly name: string;
  /** BCP 47. */
  readonly language: string | null;
  readonly isDefault: boolean;
  readonly isForced: boolean;
  readonly isHearingImpaired: boolean;
  /** ffprobe's codec name, or the sidecar's format. */
  readonly codec: string;
  /** Null: a file beside the film. */
  readonly streamIndex: number | null;
  readonly sidecar: Pick<Sidecar, 'path' | 'byteLength' | 'mtimeMs' | 'part'> | null;
};

export type VideoRendition = VideoCopy | VideoEncode;
export type AudioRendition = AudioCopy | AudioEncode;
export type EncodeRendition = VideoEncode | AudioEncode;
/** Of picture or sound: what is copied from a file, or encoded. */
export type MediaRendition = VideoRendition | AudioRendition;
export type Rendition = MediaRendition | VideoIframes | SubtitleRendition;

/** Raised when the same rendition would get other bytes; the version is part of every segment's address. */
const SEGMENT_FORMAT = 7;

export type RenditionKey = string & { readonly __rendition: true };

/** What is declared of a rendition, and may be known better later, while its bytes stay what they are. */
const DECLARED: readonly string[] = ['bandwidthBps', 'averageBps'];

/** The address of a rendition's segments in every cache: media version, plan and everything the encoder is told. */
export function renditionKey(mediaVersion: string, targetMs: number, rendition: Rendition): RenditionKey {
  const told = Object.entries(rendition).filter(([name]) => !DECLARED.includes(name));
  const facts = JSON.stringify([SEGMENT_FORMAT, mediaVersion, targetMs, told.sort(([a], [b]) => (a < b ? -1 : 1))]);
  return createHash('sha256').update(facts).digest('hex').slice(0, 32) as RenditionKey;
}

/** Encoded as AC-3 or E-AC-3, by the names that they have in CODECS; AAC otherwise. */
export const isDolby = ({ codecs }: AudioEncode): boolean => codecs === AC3 || codecs === EAC3;
export const AC3 = 'ac-3';
export const EAC3 = 'ec-3';

export const isEncode = (rendition: Rendition): rendition is EncodeRendition =>
  rendition.kind === 'video-encode' || rendition.kind === 'audio-encode';

/** A segment's number, or its rendition's init segment; of subtitles, which need none, the whole track. */
export type SegmentName = number | 'init';

/** The number of a chunk in its segment: 0 for the first half second, 1 for the rest. */
export type ChunkNumber = 0 | 1;
export type SegmentChunk = { readonly index: number; readonly chunk: ChunkNumber };
