// The files beside what a session plays, from the host of its media: subtitle tracks as they were authored, and the fonts of the film.
import { FerriteError } from '#domain/errors.ts';
import type { Media } from '#domain/media.ts';
import type { KeptFile } from '#domain/protocol.ts';
import type { SessionRecord } from '#domain/session.ts';
import { offeredSubtitles } from '#domain/subtitles/offer.ts';
import { sourceExtension } from '#domain/subtitles/tracks.ts';
import type { MediaHosts } from '#src/threads/media-hosts.ts';

type Viewer = { readonly record: SessionRecord; readonly media: Media };

/** `name` is one for each content. */
export type ExtraFile = KeptFile & { readonly name: string; readonly contentType: string };

const TYPES: Readonly<Record<string, string>> = {
  ass: 'text/x-ssa; charset=utf-8',
  srt: 'application/x-subrip; charset=utf-8',
  vtt: 'text/vtt; charset=utf-8',
  ttml: 'application/ttml+xml; charset=utf-8',
};

export class Extras {
  readonly #hosts: Pick<MediaHosts, 'request'>;

  constructor(hosts: Pick<MediaHosts, 'request'>) {
    this.#hosts = hosts;
  }

  /** @throws SEGMENT_NOT_FOUND; SUBTITLES_PENDING while the film is being read for it */
  async source({ record, media }: Viewer, wanted: { track: number; extension: string }, signal: AbortSignal): Promise<ExtraFile> {
    const track = offeredSubtitles(record.offer).find(one => one.track === wanted.track);
    if (!track || sourceExtension(track.codec) !== wanted.extension)
      throw new FerriteError('SEGMENT_NOT_FOUND', 'the session has no such subtitle track');
    const file = await this.#hosts.request('subtitles.source', { ...idsOf(record), track: wanted.track }, signal);
    const name = `${media.version}-${track.sidecar === null ? track.streamIndex : `${track.track}-${track.sidecar.mtimeMs}`}`;
    return { ...file, name, contentType: TYPES[wanted.extension] ?? 'application/octet-stream' };
  }

  async fonts({ record }: Viewer, signal: AbortSignal): Promise<readonly KeptFile[]> {
    return (await this.#hosts.request('fonts.list', idsOf(record), signal)).fonts;
  }

  /** @throws SEGMENT_NOT_FOUND */
  async font(viewer: Viewer, number: number, signal: AbortSignal): Promise<ExtraFile> {
    const font = (await this.fonts(viewer, signal))[number];
    if (!font) throw new FerriteError('SEGMENT_NOT_FOUND', 'the film has no such font');
    return { ...font, name: `${viewer.media.version}-font-${number}`, contentType: 'application/octet-stream' };
  }
}

const idsOf = ({ mediaId, id }: SessionRecord) => ({ mediaId, sessionId: id });
