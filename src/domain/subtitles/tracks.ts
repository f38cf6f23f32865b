// The subtitle tracks of a film: its own streams first, then the files beside it. Their positions are the API's `subtitleTrack`.

import type { Media, SubtitleStream } from '../media.ts';
import { languageName, languageTag } from './language.ts';

/** A track as clients see it. */
export type SubtitleTrack = {
  /** The API's `subtitleTrack`. */
  readonly track: number;
  readonly codec: string;
  readonly kind: 'text' | 'image';
  /** BCP 47. */
  readonly language: string | null;
  readonly title: string | null;
  /** What a menu shows: unlike any other track's. */
  readonly name: string;
  readonly isDefault: boolean;
  readonly isForced: boolean;
  /** Tells sounds and speakers too (SDH). */
  readonly isHearingImpaired: boolean;
  /** A file beside the film. */
  readonly isExternal: boolean;
  /** How it can be delivered: as segments of text, as its source alone, which players draw or the picture is encoded with; null: not at all, so that it is not offered. */
  readonly form: 'text' | 'source' | null;
  readonly isDeliverable: boolean;
};

type Format = { readonly kind: 'text' | 'image'; readonly extension: string };
const text = (extension: string): Format => ({ kind: 'text', extension });
const pictures = (extension: string): Format => ({ kind: 'image', extension });

/** By ffmpeg's name of a stream's codec, or by a sidecar's format: what can be delivered, and what its source is called. */
const FORMATS: Readonly<Record<string, Format>> = {
  subrip: text('srt'),
  srt: text('srt'),
  text: text('srt'),
  mov_text: text('srt'),
  ass: text('ass'),
  ssa: text('ass'),
  webvtt: text('vtt'),
  vtt: text('vtt'),
  // Samples of MP4, which are no files.
  wvtt: text('vtt'),
  stpp: text('vtt'),
  sub: text('sub'),
  ttml: text('ttml'),
  dvb_teletext: text('srt'),
  smi: text('smi'),
  hdmv_pgs_subtitle: pictures('sup'),
  sup: pictures('sup'),
  // Written as presentation graphics, which players of the page draw.
  dvd_subtitle: pictures('sup'),
  idx: pictures('sup'),
};

/** Of the source of a track, as its address has it. */
export const sourceExtension = (codec: string): string => FORMATS[codec]?.extension ?? 'bin';

/** Drawn with places, fonts and movement of its own. */
export const isStyled = (codec: string): boolean => FORMATS[codec]?.extension === 'ass';

export const subtitleKind = (codec: string): 'text' | 'image' => FORMATS[codec]?.kind ?? 'text';

/** What not every ffmpeg reads: teletext takes libzvbi. */
export type ReadableText = { readonly teletext: boolean };
const PLAIN_TEXT: ReadableText = { teletext: false };

const formOf = (codec: string): SubtitleTrack['form'] => {
  const format = FORMATS[codec];
  return format === undefined ? null : format.kind === 'text' ? 'text' : 'source';
};

const HEARING_IMPAIRED = /\b(?:sdh|cc|hearing[ -]impaired|closed captions?)\b/i;
const FORCED = /\bforced\b/i;

type Plain = Omit<SubtitleTrack, 'track' | 'name' | 'isDeliverable'>;

/** The pages of several languages are one stream, of which only all can be read at once. */
const isReadable = ({ codec, language }: SubtitleStream, { teletext }: ReadableText): boolean =>
  codec !== 'dvb_teletext' || (teletext && language?.includes(',') !== true);

/** Every track, also what can not be delivered: so that positions are the same everywhere. */
export function subtitleTracks({ streams, sidecars }: Pick<Media, 'streams' | 'sidecars'>, readable = PLAIN_TEXT): SubtitleTrack[] {
  const plain: Plain[] = [
    ...streams.subtitles.map(stream => {
      const { codec, kind, language, title, isDefault, isForced, isHearingImpaired } = stream;
      return {
        codec,
        kind,
        language: languageTag(language),
        title,
        isDefault,
        isForced: isForced || FORCED.test(title ?? ''),
        isHearingImpaired: isHearingImpaired || HEARING_IMPAIRED.test(title ?? ''),
        isExternal: false,
        form: isReadable(stream, readable) ? formOf(codec) : null,
      };
    }),
    ...sidecars.map(({ format, language, title, isDefault, isForced, isHearingImpaired }) => ({
      codec: format,
      kind: subtitleKind(format),
      language,
      title,
      isDefault,
      isForced,
      isHearingImpaired,
      isExternal: true,
      form: formOf(format),
    })),
  ];
  const names = uniqueNames(plain.map(nameOf));
  return plain.map((one, track) => ({ ...one, track, name: names[track] ?? '', isDeliverable: one.form !== null }));
}

function nameOf({ title, language, isForced, isHearingImpaired }: Plain, position: number): string {
  // Playlists can not quote everything that files hold, and what is left must still tell tracks apart.
  const base =
    title?.replace(/["\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim() ||
    (language !== null && languageName(language)) ||
    `Subtitles ${position + 1}`;
  const marks = [
    ...(isForced && !FORCED.test(base) ? ['forced'] : []),
    ...(isHearingImpaired && !HEARING_IMPAIRED.test(base) ? ['SDH'] : []),
  ];
  return marks.length === 0 ? base : `${base} (${marks.join(', ')})`;
}

/** The first of several keeps its name. */
function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map(name => {
    let unique = name;
    for (let number = 2; taken.has(unique); number++) unique = `${name} ${number}`;
    taken.add(unique);
    return unique;
  });
}
