// RFC 6381 codec strings from what ffprobe tells, for containers whose configuration record we do not read ourselves.

export type CodecFacts = {
  readonly codec: string;
  readonly profile: string | null;
  /** ffprobe's level: level_idc for H.264 and HEVC, seq_level_idx for AV1; null when unknown. */
  readonly level: number | null;
  readonly bitDepth: number;
  readonly width: number;
  readonly height: number;
};

/** profile_idc and constraint flags (ISO/IEC 14496-10, A.2), as encoders write them. */
const H264_PROFILES: Readonly<Record<string, string>> = {
  'Constrained Baseline': '42e0',
  Baseline: '4200',
  Main: '4d40',
  Extended: '5800',
  High: '6400',
  'High 10': '6e00',
  'High 4:2:2': '7a00',
  'High 4:4:4 Predictive': 'f400',
};

const HEVC_PROFILES: Readonly<Record<string, string>> = { Main: '1.6', 'Main 10': '2.4', 'Main Still Picture': '3.E' };

const AV1_PROFILES: Readonly<Record<string, number>> = { Main: 0, High: 1, Professional: 2 };

/** Largest luma picture size of each VP9 level (Annex A of the bitstream specification). */
const VP9_LEVELS: readonly (readonly [pictureSize: number, level: number])[] = [
  [36_864, 10],
  [73_728, 11],
  [122_880, 20],
  [245_760, 21],
  [552_960, 30],
  [983_040, 31],
  [2_228_224, 41],
  [8_912_896, 51],
  [35_651_584, 61],
];

const AUDIO: Readonly<Record<string, string>> = {
  ac3: 'ac-3',
  eac3: 'ec-3',
  opus: 'Opus',
  flac: 'fLaC',
  mp3: 'mp4a.40.34',
  alac: 'alac',
};

const AAC_OBJECT_TYPES: Readonly<Record<string, number>> = { Main: 1, LC: 2, SSR: 3, LTP: 4, 'HE-AAC': 5, 'HE-AACv2': 29 };

export function videoCodecString(facts: CodecFacts): string | null {
  switch (facts.codec) {
    case 'h264':
      return h264(facts);
    case 'hevc':
      return hevc(facts);
    case 'vp9':
      return vp9(facts);
    case 'av1':
      return av1(facts);
    default:
      return null;
  }
}

export function audioCodecString(codec: string, profile: string | null): string | null {
  if (codec !== 'aac') return AUDIO[codec] ?? null;
  const objectType = AAC_OBJECT_TYPES[profile ?? ''];
  return objectType === undefined ? null : `mp4a.40.${objectType}`;
}

function h264({ profile, level }: CodecFacts): string | null {
  const profileHex = H264_PROFILES[profile ?? ''];
  return profileHex === undefined || level === null ? null : `avc1.${profileHex}${hex2(level)}`;
}

function hevc({ profile, level }: CodecFacts): string | null {
  const profileText = HEVC_PROFILES[profile ?? ''];
  // Main tier and progressive frames are assumed: ffprobe tells neither.
  return profileText === undefined || level === null ? null : `hvc1.${profileText}.L${level}.B0`;
}

function vp9({ profile, bitDepth, width, height }: CodecFacts): string | null {
  const profileNumber = /^Profile ([0-3])$/.exec(profile ?? '')?.[1];
  const level = VP9_LEVELS.find(([pictureSize]) => width * height <= pictureSize)?.[1];
  return profileNumber === undefined || level === undefined ? null : `vp09.0${profileNumber}.${level}.${decimal2(bitDepth)}`;
}

function av1({ profile, level, bitDepth }: CodecFacts): string | null {
  const profileNumber = AV1_PROFILES[profile ?? ''];
  return profileNumber === undefined || level === null ? null : `av01.${profileNumber}.${decimal2(level)}M.${decimal2(bitDepth)}`;
}

const hex2 = (value: number): string => value.toString(16).padStart(2, '0');
const decimal2 = (value: number): string => String(value).padStart(2, '0');
