// The picture encoders that ffmpeg may have, as data: what each makes, and by what. Whether one works is told by a trial, never by its name.

export type EncodeCodec = 'h264' | 'hevc' | 'av1';

export const HARDWARE_KINDS = ['vaapi', 'qsv', 'nvenc', 'amf', 'videotoolbox', 'v4l2m2m', 'rkmpp'] as const;
export type HardwareKind = (typeof HARDWARE_KINDS)[number];

type EncoderFacts = { readonly codec: EncodeCodec; readonly kind: 'software' | HardwareKind };

/** The best of a codec first. */
const SOFTWARE = {
  libx264: { codec: 'h264', kind: 'software' },
  libx265: { codec: 'hevc', kind: 'software' },
  libsvtav1: { codec: 'av1', kind: 'software' },
  'libaom-av1': { codec: 'av1', kind: 'software' },
} as const satisfies Record<string, EncoderFacts>;

const CODECS = ['h264', 'hevc', 'av1'] as const satisfies readonly EncodeCodec[];

export type EncoderName = keyof typeof SOFTWARE | `${EncodeCodec}_${HardwareKind}`;

/** In the order in which they are tried, and chosen where several work. */
export const ENCODER_NAMES: readonly EncoderName[] = [
  ...(Object.keys(SOFTWARE) as (keyof typeof SOFTWARE)[]),
  ...HARDWARE_KINDS.flatMap(kind => CODECS.map(codec => `${codec}_${kind}` as const)),
];

const FACTS: ReadonlyMap<string, EncoderFacts> = new Map<string, EncoderFacts>([
  ...Object.entries(SOFTWARE),
  ...HARDWARE_KINDS.flatMap(kind => CODECS.map(codec => [`${codec}_${kind}`, { codec, kind }] as const)),
]);

export function encoderFacts(name: EncoderName): EncoderFacts {
  const facts = FACTS.get(name);
  if (!facts) throw new RangeError(`there is no encoder ${name}`);
  return facts;
}

/** What came of trying to encode, or to decode, some pictures. */
export type EncoderTrial = {
  /** ffmpeg's name of the encoder, or of the way to decode. */
  readonly name: string;
  readonly does: 'encode' | 'decode';
  readonly codec: EncodeCodec;
  readonly kind: 'software' | HardwareKind;
  /** Where there can be several of a kind; null: whichever ffmpeg takes. */
  readonly device: string | null;
  /** Pictures went in, and the same came out again. */
  readonly isProven: boolean;
  /** Pixels a second; null: it does not work, or was not measured. */
  readonly pixelsPerSecond: number | null;
  /** Why it does not work, in ffmpeg's own words where there are any. */
  readonly reason: string;
};
