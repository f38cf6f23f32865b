// The playlists that many players read, parsed once for all players that read the same text.
import { parseMediaPlaylist } from './viewer.ts';

/** A stretch of one rendition: a file, or a range of one. */
export type Piece = { readonly name: string; readonly range: string | null; readonly startS: number; readonly endS: number };

export type Rung = { readonly name: string; readonly uri: string; readonly bandwidthBps: number; readonly height: number };

export type MainPlaylist = { readonly rungs: readonly Rung[]; readonly audioUri: string | null };

/** The range that a player requests at once in direct play. */
const DIRECT_PIECE_S = 2;

export class PlaylistBook {
  readonly #media = new Map<string, { readonly initName: string; readonly pieces: readonly Piece[] }>();

  main(text: string): MainPlaylist {
    const rungs = [...text.matchAll(/^#EXT-X-STREAM-INF:(.*)\n(.+)$/gm)].map(([, attributes = '', uri = '']) => ({
      name: uri.split('/')[1] ?? uri,
      uri,
      bandwidthBps: Number(attributes.match(/(?:^|,)BANDWIDTH=(\d+)/)?.[1]),
      height: Number(attributes.match(/(?:^|,)RESOLUTION=\d+x(\d+)/)?.[1]),
    }));
    if (rungs.length === 0) throw new Error('the multivariant playlist has no variant');
    return { rungs, audioUri: text.match(/^#EXT-X-MEDIA:TYPE=AUDIO.*URI="([^"]+)"/m)?.[1] ?? null };
  }

  media(text: string): { readonly initName: string; readonly pieces: readonly Piece[] } {
    const known = this.#media.get(text);
    if (known) return known;
    const { initName, segments } = parseMediaPlaylist('', text);
    const pieces = segments.map(({ name, startS, durationS }) => ({ name, range: null, startS, endS: startS + durationS }));
    const parsed = { initName, pieces };
    this.#media.set(text, parsed);
    return parsed;
  }
}

/** As if its bytes were spread evenly over its time. */
export function piecesOfFile(name: string, bytes: number, durationS: number): Piece[] {
  const count = Math.max(1, Math.ceil(durationS / DIRECT_PIECE_S));
  const offset = (at: number): number => Math.floor((bytes * at) / count);
  return Array.from({ length: count }, (_, at) => ({
    name,
    range: `bytes=${offset(at)}-${offset(at + 1) - 1}`,
    startS: (durationS * at) / count,
    endS: (durationS * (at + 1)) / count,
  }));
}
