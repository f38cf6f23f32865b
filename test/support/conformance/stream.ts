// A stream against all checks: its playlists as text, or everything behind an address.
import { type Check, type Finding, findingsOf } from './checks.ts';
import { MEDIA_CHECKS, STREAM_CHECKS } from './media-checks.ts';
import { MULTIVARIANT_CHECKS } from './multivariant-checks.ts';
import { type Playlist, readPlaylist, tagsNamed, unquoted } from './playlist.ts';
import { PLAYLIST_CHECKS } from './playlist-checks.ts';
import { RATE_CHECKS, type WeighedSegment } from './rate-checks.ts';
import { INIT_CHECKS, PLAYLIST_RESOURCE_CHECKS, type Resource, SEGMENT_CHECKS } from './segment-checks.ts';
import {
  IFRAME_CHECKS,
  iframeStreams,
  imageStreams,
  TILE_CHECKS,
  type Tile,
  TRICK_PLAY_MAIN_CHECKS,
  TRICK_PLAY_STREAM_CHECKS,
} from './trick-play-checks.ts';

/** Every check, in the order of the documents; each kind with what it is made on. */
export const ALL_CHECKS: readonly { readonly on: string; readonly checks: readonly Omit<Check<never>, 'find'>[] }[] = [
  { on: 'every playlist', checks: PLAYLIST_CHECKS },
  { on: 'multivariant playlist', checks: [...MULTIVARIANT_CHECKS, ...TRICK_PLAY_MAIN_CHECKS] },
  { on: 'media playlist', checks: MEDIA_CHECKS },
  { on: 'all playlists of a stream', checks: [...STREAM_CHECKS, ...TRICK_PLAY_STREAM_CHECKS] },
  { on: 'the answer with a playlist', checks: PLAYLIST_RESOURCE_CHECKS },
  { on: 'init segment', checks: INIT_CHECKS },
  { on: 'segment', checks: SEGMENT_CHECKS },
  { on: 'segment of an I-frame playlist', checks: IFRAME_CHECKS },
  { on: 'image of tiles', checks: TILE_CHECKS },
  { on: 'all segments, where asked for', checks: RATE_CHECKS },
];

const MAIN = 'the multivariant playlist';

/** The addresses of media playlists that a multivariant one names. */
export const mediaAddresses = (main: Playlist): string[] => {
  const { variants, renditions } = main;
  const trickPlay = [...iframeStreams(main), ...imageStreams(main)].map(({ URI }) => unquoted(URI));
  return [
    ...new Set([...variants.map(({ uri }) => uri), ...renditions.map(({ URI }) => unquoted(URI)), ...trickPlay].filter(uri => uri !== '')),
  ];
};

export function checkPlaylists(mainText: string, mediaTexts: ReadonlyMap<string, string>): Finding[] {
  const main = readPlaylist(mainText);
  const media = new Map([...mediaTexts].map(([uri, text]) => [uri, readPlaylist(text)]));
  return [
    ...findingsOf(PLAYLIST_CHECKS, main, MAIN),
    ...findingsOf([...MULTIVARIANT_CHECKS, ...TRICK_PLAY_MAIN_CHECKS], main, MAIN),
    ...[...media].flatMap(([uri, playlist]) => [...findingsOf(PLAYLIST_CHECKS, playlist, uri), ...findingsOf(MEDIA_CHECKS, playlist, uri)]),
    ...findingsOf([...STREAM_CHECKS, ...TRICK_PLAY_STREAM_CHECKS], { main, media }, 'the stream'),
  ];
}

export const checkInit = (resource: Resource): Finding[] => findingsOf(INIT_CHECKS, resource, resource.uri);
export const checkIframe = (resource: Resource): Finding[] => findingsOf(IFRAME_CHECKS, resource, resource.uri);
export const checkTile = (tile: Tile): Finding[] => findingsOf(TILE_CHECKS, tile, tile.uri);
export const checkSegment = (resource: Resource): Finding[] => findingsOf(SEGMENT_CHECKS, resource, resource.uri);

export type CheckOptions = {
  readonly deadlineMs?: number;
  /** Reads every segment of every playlist: the whole film at every rung. */
  readonly weighs?: boolean;
};

/** Reads all playlists behind an address, and of each the init segment and the first segment. */
export async function checkAddress(address: string, { deadlineMs = 60_000, weighs = false }: CheckOptions = {}): Promise<Finding[]> {
  const get = async (uri: string): Promise<Resource> => {
    const response = await fetch(uri, { signal: AbortSignal.timeout(deadlineMs), headers: { 'accept-encoding': 'gzip' } });
    if (!response.ok) throw new Error(`${uri} answers ${response.status}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    const { headers } = response;
    return { uri, bytes, contentType: headers.get('content-type') ?? '', encoding: headers.get('content-encoding') ?? '' };
  };
  const main = await get(address);
  const findings = findingsOf(PLAYLIST_RESOURCE_CHECKS, main, MAIN);
  const texts = new Map<string, string>();
  const weighed = new Map<string, { playlist: Playlist; segments: WeighedSegment[] }>();
  for (const uri of mediaAddresses(readPlaylist(main.bytes.toString()))) {
    const media = await get(new URL(uri, address).href);
    texts.set(uri, media.bytes.toString());
    findings.push(...findingsOf(PLAYLIST_RESOURCE_CHECKS, media, uri));
    const playlist = readPlaylist(media.bytes.toString());
    const [first] = playlist.segments;
    const [tiles] = tagsNamed(playlist, 'EXT-X-TILES');
    if (tiles && first) findings.push(...checkTile({ ...(await get(new URL(first.uri, media.uri).href)), tiles: tiles.attributes }));
    const map = unquoted(tagsNamed(playlist, 'EXT-X-MAP')[0]?.attributes.URI);
    if (map === '') continue;
    findings.push(...checkInit(await get(new URL(map, media.uri).href)));
    const segments: WeighedSegment[] = [];
    for (const { uri: name, duration } of weighs ? playlist.segments : [])
      segments.push({ bits: 8 * (await get(new URL(name, media.uri).href)).bytes.byteLength, seconds: Number(duration) });
    weighed.set(uri, { playlist, segments });
    if (!first) continue;
    const segment = await get(new URL(first.uri, media.uri).href);
    findings.push(...checkSegment(segment));
    if (tagsNamed(playlist, 'EXT-X-I-FRAMES-ONLY').length > 0) findings.push(...checkIframe(segment));
  }
  if (weighs) findings.push(...findingsOf(RATE_CHECKS, { main: readPlaylist(main.bytes.toString()), media: weighed }, 'the stream'));
  return [...findings, ...checkPlaylists(main.bytes.toString(), texts)];
}
