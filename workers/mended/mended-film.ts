// A film whose clock jumps, as ffmpeg is given it: its bytes from where a job has to begin, with other times in them.
import { FerriteError } from '#domain/errors.ts';
import type { MendedClock, ScannedFile } from '#domain/media.ts';
import { UnchangedFile } from '#workers/remux/unchanged-file.ts';
import { requireUnchangedMedia } from '#workers/remux/unchanged-media.ts';
import { ProgramStreamMender } from './program-stream.ts';
import { TransportStreamMender } from './transport-stream.ts';

const READ_BYTES = 256 * 1024;
/** Far enough before any packet for the tables that say what the streams are, which come several times a second. */
const TABLES_BYTES = 1024 * 1024;

/** The last point from which everything comes that is wanted; the first where there is none. `wanted`: on the mended clock. */
export function pointBefore({ points }: MendedClock, kind: 'picture' | 'sound', wanted: number): MendedClock['points'][number] {
  const point = points.findLast(one => one[kind] <= wanted) ?? points[0];
  if (!point) throw new FerriteError('INTERNAL', 'a mended film has no point to begin at');
  // What a film begins with is there before its first keyframe.
  return point === points[0] ? { ...point, position: 0 } : point;
}

/** Throws MEDIA_CHANGED. */
export async function* mendedBytes(
  media: ScannedFile & { readonly path: string },
  { format, tracks }: MendedClock,
  start: number,
): AsyncGenerator<Buffer> {
  const file = await UnchangedFile.open(media.path);
  try {
    await requireUnchangedMedia(media);
    const from = format === 'mpegts' ? Math.max(0, start - TABLES_BYTES) : start;
    const place = { position: from, start };
    const mender = format === 'mpegts' ? new TransportStreamMender(tracks, place) : new ProgramStreamMender(tracks, place);
    for (let at = from; at < file.byteLength; at += READ_BYTES) {
      const bytes = mender.push(await file.read(at, READ_BYTES));
      if (bytes.byteLength > 0) yield bytes;
    }
    yield mender.end();
  } finally {
    await file.close();
  }
}
