// The addresses of one offer: its playlists as bytes, made once, and the segments of each track's directory. Sessions with equal offers share one.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import {
  ALIGNED_MULTIVARIANT,
  directoryOf,
  directoryOfPlaylist,
  MULTIVARIANT,
  ONE_RUNG,
  UNSIGNED_MULTIVARIANT,
  withUnsignedPictures,
} from '#domain/addresses.ts';
import { encodeWork } from '#domain/delivery/encode-work.ts';
import type { Media } from '#domain/media.ts';
import { boundaryAt, firstChunkEnd, type Grid, gridOf, segmentCount } from '#domain/plan.ts';
import type { Track } from '#domain/protocol.ts';
import { type AudioRendition, isEncode, type Rendition, type RenditionKey, renditionKey, type VideoEncode } from '#domain/rendition.ts';
import type { Offer } from '#domain/session.ts';
import { iframesOfOffer } from '#domain/trick-play/iframes.ts';
import type { PlannedMedia } from './media-plans.ts';
import { Playlist } from './playlist.ts';
import { mediaPlaylist, multivariantPlaylist, type PlaylistInput, withSplitSegment, withStart } from './playlist-text.ts';
import { previewPlaylist } from './trick-play.ts';

export type TrackLayout = {
  readonly track: Track;
  readonly rendition: Rendition;
  readonly key: RenditionKey;
  readonly grid: Grid;
  readonly segmentCount: number;
  /** The work of encoding a second of the track; 0 where no picture is encoded. */
  readonly work: number;
  /** Made by ffmpeg: worth keeping on disk, and waited for rather than computed. */
  readonly isEncoded: boolean;
  /** Copied as it lies in its file, which is read when it is sent: it takes memory only when it is asked for again. */
  readonly isLocated: boolean;
  /** For metrics. */
  readonly rung: string;
};

/** The addresses that a session may fetch. */
export type SessionLayout = {
  /** By directory: `video/720p`, `audio/0`. */
  readonly tracks: ReadonlyMap<string, TrackLayout>;
  /** The segment of every encoded picture that is offered as its two chunks. */
  readonly splitIndex: number | null;
  /** Its segments are sent as transport streams. */
  readonly isTransport: boolean;
  /** One that was asked for before; nothing is made. */
  knownPlaylist(path: string): Playlist | undefined;
  /** The multivariant one, or that of a track's directory; undefined for anything else. */
  playlist(path: string): Playlist | undefined;
};

export class StreamLayout implements SessionLayout {
  readonly tracks: ReadonlyMap<string, TrackLayout>;
  readonly splitIndex = null;
  readonly isTransport: boolean;
  readonly #playlists = new Map<string, Playlist>();
  readonly #input: PlaylistInput;

  constructor({ media, keyframes, plan }: PlannedMedia, offer: Offer, deviceShareOf: DeviceShare = () => 1) {
    const iframes = iframesOfOffer(offer, keyframes);
    this.#input = { media, plan, offer, iframes, hasLeadingPictures: keyframes.video.hasLeadingPictures };
    this.isTransport = offer.segments === 'mpegts';
    this.tracks = new Map(
      [...offer.video, ...offer.audio, ...offer.subtitles, ...iframes].map(rendition => {
        const track = trackOf(rendition);
        const grid = gridOf(plan, rendition);
        return [
          directoryOf(track),
          {
            track,
            rendition,
            grid,
            key: renditionKey(media.version, offer.targetMs, rendition),
            segmentCount: segmentCount(grid),
            work: workOf(rendition, media, deviceShareOf),
            isLocated: rendition.kind === 'video-copy' && keyframes.copyMethod === 'mp4',
            isEncoded: isEncode(rendition) || (rendition.kind !== 'subtitle' && keyframes.copyMethod === 'ffmpeg'),
            rung: track.kind === 'video' ? track.rungId : track.kind,
          },
        ];
      }),
    );
  }

  knownPlaylist(path: string): Playlist | undefined {
    return this.#playlists.get(path);
  }

  playlist(path: string): Playlist | undefined {
    const known = this.#playlists.get(path);
    if (known) return known;
    const text = this.#write(path);
    if (text === undefined) return undefined;
    const playlist = new Playlist(text);
    this.#playlists.set(path, playlist);
    return playlist;
  }

  #write(path: string): string | undefined {
    if (path === MULTIVARIANT) return multivariantPlaylist(this.#input);
    if (path === UNSIGNED_MULTIVARIANT || path === ONE_RUNG) return this.#unsigned(path);
    if (path === ALIGNED_MULTIVARIANT)
      return multivariantPlaylist({ ...this.#input, offer: { ...this.#input.offer, video: this.#aligned() } });
    const trickPlay = previewPlaylist(this.#input.media, path);
    if (trickPlay !== undefined) return trickPlay;
    const found = this.tracks.get(directoryOfPlaylist(path) ?? '');
    return found && mediaPlaylist(this.#input, found.rendition);
  }

  /** The grid of encodes refines that of the copy: as many segments are the same ones. */
  #aligned(): Offer['video'] {
    const { offer, plan } = this.#input;
    const [first] = offer.video;
    // Where the first is an encode, one of its segments may be listed as two chunks, and no copy's is.
    return offer.video.filter(
      one =>
        first &&
        (first.kind === 'video-copy' || one.kind === first.kind) &&
        segmentCount(gridOf(plan, one)) === segmentCount(gridOf(plan, first)),
    );
  }

  #unsigned(path: string): string {
    const { offer } = this.#input;
    const video = path === ONE_RUNG ? offer.video.slice(0, 1) : offer.video;
    const text = multivariantPlaylist({ ...this.#input, offer: { ...offer, video } });
    // A transport stream has no such pictures.
    return this.isTransport ? text : withUnsignedPictures(text);
  }
}

/** What the playlists of one session alone say. */
export type OwnStart = {
  /** The segment of every encoded picture that is offered as its two chunks. */
  readonly splitIndex: number | null;
  /** Where its player is to begin that nobody else tells. */
  readonly startS: number | null;
};

/** The same layout for a session that has a start of its own. */
class OwnLayout implements SessionLayout {
  readonly splitIndex: number | null;
  readonly #startS: number | null;
  readonly #layout: StreamLayout;
  readonly #recent: LRUCache<string, Playlist>;
  readonly #name: string;

  /** `name` of the layout among all whose playlists are in `recent`. */
  constructor(
    layout: StreamLayout,
    { splitIndex, startS }: OwnStart,
    { recent, name }: { recent: LRUCache<string, Playlist>; name: string },
  ) {
    this.#layout = layout;
    this.splitIndex = splitIndex;
    this.#startS = startS;
    this.#recent = recent;
    this.#name = name;
  }

  get tracks(): ReadonlyMap<string, TrackLayout> {
    return this.#layout.tracks;
  }

  get isTransport(): boolean {
    return this.#layout.isTransport;
  }

  knownPlaylist(path: string): Playlist | undefined {
    return this.#changeOf(path) ? this.#recent.get(this.#nameOf(path)) : this.#layout.knownPlaylist(path);
  }

  playlist(path: string): Playlist | undefined {
    const known = this.knownPlaylist(path);
    if (known) return known;
    const whole = this.#layout.playlist(path);
    const change = this.#changeOf(path);
    if (!whole || !change) return whole;
    const playlist = new Playlist(change(whole.plain.bytes.toString('utf8')));
    this.#recent.set(this.#nameOf(path), playlist);
    return playlist;
  }

  #nameOf(path: string): string {
    return `${this.#name}/${isMultivariant(path) ? this.#startS : this.splitIndex}/${path}`;
  }

  /** Of a playlist's text; null where the shared one serves. */
  #changeOf(path: string): ((text: string) => string) | null {
    const { splitIndex } = this;
    const startS = this.#startS;
    if (isMultivariant(path)) return startS === null ? null : text => withStart(text, startS);
    const durationsS = splitIndex === null ? null : this.#durationsS(path, splitIndex);
    return splitIndex === null || durationsS === null ? null : text => withSplitSegment(text, splitIndex, durationsS);
  }

  /** Of the two chunks; null for a playlist of anything but encoded pictures. */
  #durationsS(path: string, splitIndex: number): readonly [number, number] | null {
    const track = this.tracks.get(directoryOfPlaylist(path) ?? '');
    if (track?.rendition.kind !== 'video-encode') return null;
    const { grid, rendition } = track;
    const end = firstChunkEnd(grid, splitIndex, rendition.frameRate);
    if (end === null) return null;
    const start = boundaryAt(grid, splitIndex);
    return [(end - start) / grid.timescale, (boundaryAt(grid, splitIndex + 1) - end) / grid.timescale];
  }
}

/** A film's playlists take some 100 KB a track. */
const MAX_LAYOUTS = 200;
/** Playlists of one session alone: few, as a player asks once. */
const MAX_OWN_PLAYLISTS = 64;

/** What a pixel costs that a device encodes; see `encodeWork`. */
type DeviceShare = (rendition: VideoEncode) => number;

export class LayoutCache {
  readonly #deviceShareOf: DeviceShare;
  readonly #layouts = new LRUCache<string, StreamLayout>({ max: MAX_LAYOUTS });
  readonly #ownPlaylists = new LRUCache<string, Playlist>({ max: MAX_OWN_PLAYLISTS });

  constructor(deviceShareOf: DeviceShare = () => 1) {
    this.#deviceShareOf = deviceShareOf;
  }

  for(planned: PlannedMedia, offer: Offer, own: OwnStart | null): SessionLayout {
    const name = createHash('sha256')
      .update(
        JSON.stringify([
          planned.media.version,
          offer.targetMs,
          offer.segments ?? null,
          offer.video,
          offer.audio,
          offer.subtitles,
          offer.subtitleTrack,
        ]),
      )
      .digest('base64url');
    const layout = this.#layouts.get(name) ?? new StreamLayout(planned, offer, this.#deviceShareOf);
    this.#layouts.set(name, layout);
    const isShared = own === null || (own.splitIndex === null && own.startS === null);
    return isShared ? layout : new OwnLayout(layout, own, { recent: this.#ownPlaylists, name });
  }
}

const MULTIVARIANTS: readonly string[] = [MULTIVARIANT, ONE_RUNG, UNSIGNED_MULTIVARIANT, ALIGNED_MULTIVARIANT];

const isMultivariant = (path: string): boolean => MULTIVARIANTS.includes(path);

const audioTrackOf = ({ track, form }: AudioRendition): Track => ({ kind: 'audio', track, ...(form === undefined ? {} : { form }) });

function trackOf(rendition: Rendition): Track {
  if (rendition.kind === 'video-iframes') return { kind: 'iframes', rungId: rendition.rungId };
  if ('rungId' in rendition) return { kind: 'video', rungId: rendition.rungId };
  return rendition.kind === 'subtitle' ? { kind: 'subtitles', track: rendition.track } : audioTrackOf(rendition);
}

function workOf(rendition: Rendition, { streams }: Media, deviceShareOf: DeviceShare): number {
  if (rendition.kind !== 'video-encode') return 0;
  const source = streams.video.find(({ index }) => index === rendition.streamIndex);
  return encodeWork(rendition, source ?? rendition, deviceShareOf(rendition));
}
