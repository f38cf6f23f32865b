// The subtitle tracks of a film: its own streams first, then the files beside it. Their positions are the API's `subtitleTrack`.

import type { Media } from '../media.ts';
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
  /** Whether it can be delivered: what can not is not offered. */
  readonly isDeliverable: boolean;
};

/** What ffmpeg makes text of. */
const TEXT_CODECS = new Set(['subrip', 'srt', 'ass', 'ssa', 'webvtt', 'mov_text', 'text']);
const HEARING_IMPAIRED = /\b(?:sdh|cc|hearing[ -]impaired|closed captions?)\b/i;
const FORCED = /\bforced\b/i;

type Plain = Omit<SubtitleTrack, 'track' | 'name'>;

/** Every track, also what can not be delivered: so that positions are the same everywhere. */
export function subtitleTracks({ streams, sidecars }: Pick<Media, 'streams' | 'sidecars'>): SubtitleTrack[] {
  const plain: Plain[] = [
    ...streams.subtitles.map(({ codec, kind, language, title, isDefault, isForced, isHearingImpaired }) => ({
      codec,
      kind,
      language: languageTag(language),
      title,
      isDefault,
      isForced: isForced || FORCED.test(title ?? ''),
      isHearingImpaired: isHearingImpaired || HEARING_IMPAIRED.test(title ?? ''),
      isExternal: false,
      isDeliverable: kind === 'text' && TEXT_CODECS.has(codec),
    })),
    ...sidecars.map(({ format, language, title, isDefault, isForced, isHearingImpaired }) => ({
      codec: format,
      kind: 'text' as const,
      language,
      title,
      isDefault,
      isForced,
      isHearingImpaired,
      isExternal: true,
      isDeliverable: true,
    })),
  ];
  const names = uniqueNames(plain.map(nameOf));
  return plain.map((one, track) => ({ ...one, track, name: names[track] ?? '' }));
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
