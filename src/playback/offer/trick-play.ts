// What a player winds through: I-frame playlists (RFC 8216, 4.3.4.3) and playlists of tiles (the HLS image media playlist that Roku, Disney and
// Warner specify), as text. Every one is written out of the plan alone: opening it reads no film and starts no encode.
import { directoryOf, IMAGES, mediaPlaylistOf, PREVIEW_IFRAMES, segmentFile, tileFile } from '#domain/addresses.ts';
import type { Media } from '#domain/media.ts';
import { type Grid, longestSegmentS, segmentCount, segmentDurationS } from '#domain/plan.ts';
import type { VideoIframes } from '#domain/rendition.ts';
import type { Offer } from '#domain/session.ts';
import {
  iframeBandwidthBps,
  imageBandwidthBps,
  PREVIEW_CODECS,
  type PreviewPlan,
  previewGrid,
  previewPlan,
} from '#domain/trick-play/previews.ts';
import { videoRangeOf } from './variants.ts';

/** EXT-X-MAP in an I-frame playlist (RFC 8216, 7). */
const IFRAME_VERSION = 6;
/** The image specification's. */
const IMAGE_VERSION = 7;

type Wound = { readonly media: Media; readonly offer: Pick<Offer, 'segments'>; readonly iframes: readonly VideoIframes[] };

/** Lines of a multivariant playlist, the sharpest first. Keyframes are fragmented MP4: who takes transport streams alone has the tiles. */
export function trickPlayStreams({ media, offer, iframes }: Wound): string {
  const plan = previewPlan(media);
  const copies = iframes.map(one => {
    const uri = mediaPlaylistOf(directoryOf({ ...one, kind: 'iframes' }));
    return iframeStream(one, { uri, videoRange: videoRangeOf({ ...one, kind: 'video-copy' }, media) });
  });
  if (plan === null) return copies.join('');
  const { width, height } = plan;
  const small = { width, height, bandwidthBps: iframeBandwidthBps(plan), codecs: PREVIEW_CODECS };
  const images = `BANDWIDTH=${imageBandwidthBps(plan)},RESOLUTION=${width}x${height},CODECS="jpeg",URI="${mediaPlaylistOf(IMAGES)}"`;
  return [
    ...copies,
    offer.segments === 'mpegts' ? '' : iframeStream(small, { uri: mediaPlaylistOf(PREVIEW_IFRAMES), videoRange: 'SDR' }),
    `#EXT-X-IMAGE-STREAM-INF:${images}\n`,
  ].join('');
}

type Picture = Pick<VideoIframes, 'width' | 'height' | 'bandwidthBps' | 'codecs'>;

const iframeStream = ({ width, height, bandwidthBps, codecs }: Picture, { uri, videoRange }: { uri: string; videoRange: string }): string =>
  `#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=${bandwidthBps},CODECS="${codecs}",RESOLUTION=${width}x${height},VIDEO-RANGE=${videoRange},URI="${uri}"\n`;

/** The playlist at `path`; undefined where that is not one of the film's small pictures. */
export function previewPlaylist(media: Media, path: string): string | undefined {
  const isImages = path === mediaPlaylistOf(IMAGES);
  if (!isImages && path !== mediaPlaylistOf(PREVIEW_IFRAMES)) return undefined;
  const plan = previewPlan(media);
  return plan === null ? undefined : isImages ? imagePlaylist(plan) : iframePlaylist(previewGrid(plan));
}

/**
 * Each segment is a whole resource, `moof` and `mdat` of its keyframe alone. A byte range into a segment of the film would hold a `moof` that
 * describes pictures behind the range too: players that read a playlist as one stream take the next keyframe's bytes for them.
 */
export function iframePlaylist(grid: Grid): string {
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${IFRAME_VERSION}`,
    `#EXT-X-TARGETDURATION:${wholeSeconds(longestSegmentS(grid))}`,
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-I-FRAMES-ONLY',
    `#EXT-X-MAP:URI="${segmentFile('init')}"`,
  ];
  for (let index = 0; index < segmentCount(grid); index++)
    lines.push(`#EXTINF:${decimal(segmentDurationS(grid, index))},`, segmentFile(index));
  return `${[...lines, '#EXT-X-ENDLIST'].join('\n')}\n`;
}

function imagePlaylist({ intervalMs, durationMs, width, height, columns, rows, tileCount }: PreviewPlan): string {
  const tileMs = intervalMs * columns * rows;
  const tiles = `#EXT-X-TILES:RESOLUTION=${width}x${height},LAYOUT=${columns}x${rows},DURATION=${decimal(intervalMs / 1000)}`;
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${IMAGE_VERSION}`,
    `#EXT-X-TARGETDURATION:${wholeSeconds(Math.min(tileMs, durationMs) / 1000)}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-IMAGES-ONLY',
  ];
  for (let tile = 0; tile < tileCount; tile++) {
    const lastsMs = Math.min(tileMs, durationMs - tile * tileMs);
    lines.push(`#EXTINF:${decimal(lastsMs / 1000)},`, tiles, tileFile(tile));
  }
  return `${[...lines, '#EXT-X-ENDLIST'].join('\n')}\n`;
}

const wholeSeconds = (seconds: number): number => Math.max(1, Math.ceil(seconds));
const decimal = (seconds: number): string => String(Math.round(seconds * 1e6) / 1e6);
