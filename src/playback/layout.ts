// The addresses of one offer: its playlists as bytes, made once, and what each track's directory holds. Sessions with equal offers share one.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { KeyframeMap, Media } from '#domain/media.ts';
import { buildPlan, type Grid, gridOf, type Plan, segmentCount } from '#domain/plan.ts';
import { mediaPlaylist, multivariantPlaylist } from '#domain/playlist.ts';
import type { Track } from '#domain/protocol.ts';
import { isEncode, type Rendition, type RenditionKey, renditionKey } from '#domain/rendition.ts';
import type { Offer } from '#domain/session.ts';

export type TrackLayout = {
  readonly track: Track;
  readonly rendition: Rendition;
  readonly key: RenditionKey;
  readonly grid: Grid;
  readonly segmentCount: number;
  /** Made by ffmpeg: worth keeping on disk, and waited for rather than computed. */
  readonly isEncoded: boolean;
  /** For metrics. */
  readonly rung: string;
};

export type Playlist = { readonly bytes: Buffer; readonly etag: string };

export class StreamLayout {
  /** By directory: `video/720p`, `audio/0`. */
  readonly tracks: ReadonlyMap<string, TrackLayout>;
  readonly #playlists = new Map<string, Playlist>();
  readonly #input: { media: Media; plan: Plan; offer: Offer; hasLeadingPictures: boolean };

  constructor(media: Media, keyframes: KeyframeMap, offer: Offer) {
    const frameRate = media.streams.video[0]?.frameRate ?? { num: 25, den: 1 };
    const plan = buildPlan(keyframes, frameRate, offer.targetMs);
    this.#input = { media, plan, offer, hasLeadingPictures: keyframes.video.hasLeadingPictures };
    this.tracks = new Map(
      [...offer.video, ...offer.audio].map(rendition => {
        const track: Track =
          'rungId' in rendition ? { kind: 'video', rungId: rendition.rungId } : { kind: 'audio', track: rendition.track };
        const grid = gridOf(plan, rendition);
        return [
          directoryOf(track),
          {
            track,
            rendition,
            grid,
            key: renditionKey(media.version, offer.targetMs, rendition),
            segmentCount: segmentCount(grid),
            isEncoded: isEncode(rendition) || keyframes.copyMethod === 'ffmpeg',
            rung: 'rungId' in rendition ? rendition.rungId : 'audio',
          },
        ];
      }),
    );
  }

  /** `main.m3u8`, or `index.m3u8` in a track's directory; undefined for anything else. */
  playlist(path: string): Playlist | undefined {
    const known = this.#playlists.get(path);
    if (known) return known;
    const text = this.#write(path);
    if (text === undefined) return undefined;
    const bytes = Buffer.from(text, 'utf8');
    const playlist = { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` };
    this.#playlists.set(path, playlist);
    return playlist;
  }

  #write(path: string): string | undefined {
    if (path === 'main.m3u8') return multivariantPlaylist(this.#input);
    if (!path.endsWith('/index.m3u8')) return undefined;
    const found = this.tracks.get(path.slice(0, -'/index.m3u8'.length));
    return found && mediaPlaylist(this.#input, found.rendition);
  }
}

export const directoryOf = (track: Track): string => (track.kind === 'video' ? `video/${track.rungId}` : `audio/${track.track}`);

/** A film's playlists take some 100 KB a track. */
const MAX_LAYOUTS = 200;

export class LayoutCache {
  readonly #layouts = new LRUCache<string, StreamLayout>({ max: MAX_LAYOUTS });

  for(media: Media, keyframes: KeyframeMap, offer: Offer): StreamLayout {
    const name = createHash('sha256')
      .update(JSON.stringify([media.version, offer.targetMs, offer.video, offer.audio]))
      .digest('base64url');
    const known = this.#layouts.get(name);
    if (known) return known;
    const layout = new StreamLayout(media, keyframes, offer);
    this.#layouts.set(name, layout);
    return layout;
  }
}
