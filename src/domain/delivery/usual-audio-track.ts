// Which sound a viewer hears who has chosen none.
import type { AudioStream } from '../media.ts';
import { languageTag } from '../subtitles/language.ts';

/**
 * The one that the file marks as its default; of several, or where it marks none, the first in the viewer's languages (the best first), else
 * the first. `languages`: BCP 47 tags; `en` is spoken where `en-GB` is wanted.
 */
export function usualAudioTrack(tracks: readonly AudioStream[], languages: readonly string[]): number {
  const marked = tracks.filter(({ isDefault }) => isDefault);
  const candidates = marked.length > 0 ? marked : tracks;
  const spoken = languages.map(language => candidates.find(track => isSame(languageTag(track.language), languageTag(language))));
  const chosen = spoken.find(track => track !== undefined) ?? candidates[0];
  return Math.max(0, chosen === undefined ? 0 : tracks.indexOf(chosen));
}

const isSame = (one: string | null, other: string | null): boolean =>
  one !== null && other !== null && one.split('-')[0] === other.split('-')[0];

/** Enough for any person. */
const MAX_LANGUAGES = 16;

/** The tags of an Accept-Language header (RFC 9110, 12.5.4), the best first. */
export function acceptedLanguages(header: string): string[] {
  const ranges = header.split(',', MAX_LANGUAGES).map(range => {
    const [tag = '', ...parameters] = range.split(';').map(part => part.trim());
    const quality = parameters.find(parameter => parameter.startsWith('q='));
    return { tag, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 };
  });
  return ranges
    .filter(({ tag, quality }) => tag !== '' && tag !== '*' && quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}
