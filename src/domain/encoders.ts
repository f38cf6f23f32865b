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

export type EncodeTrial = Trial & { readonly does: 'encode'; readonly name: EncoderName };
/** `name`: ffmpeg's, of the way to decode. */
export type DecodeTrial = Trial & { readonly does: 'decode'; readonly name: string };
/** What came of trying to encode, or to decode, some pictures. */
export type EncoderTrial = EncodeTrial | DecodeTrial;

type Trial = {
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

/** Picked for the rungs of one codec. */
export type ChosenEncoder = { readonly encoder: EncoderName; readonly device?: string };

/** What an encode may say of who makes it: x264 where it says nothing. */
type MadeBy = { readonly encoder?: EncoderName; readonly device?: string };

export const codecOf = ({ encoder = 'libx264' }: MadeBy): EncodeCodec => encoderFacts(encoder).codec;
export const isHardware = ({ encoder = 'libx264' }: MadeBy): boolean => encoderFacts(encoder).kind !== 'software';

const KEEPS_CAPTIONS: readonly string[] = ['software', 'nvenc', 'qsv', 'videotoolbox'];

/** Whether closed captions of the source (ATSC A/53) are in the encoded pictures for certain, also where software goes on: x265 and those of AV1 leave them out. */
export const keepsCaptions = (made: MadeBy): boolean =>
  codecOf(made) === 'h264' && KEEPS_CAPTIONS.includes(encoderFacts(made.encoder ?? 'libx264').kind);

/** A device, and what it is used for there: one that fails to make HEVC may go on making H.264. */
export const encoderKey = ({ encoder = 'libx264', device }: MadeBy): string => (device === undefined ? encoder : `${encoder} ${device}`);

/** What goes on where hardware breaks off. */
export const FALLBACK = { h264: 'libx264', hevc: 'libx265', av1: 'libaom-av1' } as const satisfies Record<EncodeCodec, EncoderName>;

/** The same rendition, made without hardware. */
export function inSoftware<R extends object>(rendition: R & MadeBy): R {
  if (!isHardware(rendition)) return rendition;
  const { device, ...rest } = rendition;
  return { ...rest, encoder: FALLBACK[codecOf(rendition)] } as R;
}
