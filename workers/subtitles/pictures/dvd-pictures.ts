// The packets of DVD subtitles as a file of presentation graphics, written picture by picture: there are thousands, and the thread has viewers to serve.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FerriteError } from '#domain/errors.ts';
import type { Picture } from './bitmap.ts';
import { displaySets } from './pgs.ts';
import { readPicture, type VobSubHeader } from './vobsub.ts';

const TURN_MS = 10;
const MAX_PICTURES = 20_000;
/** Far more than any disc has, in a file that is kept and drawn by browsers. */
const MAX_BYTES = 128 * 1024 ** 2;

type DvdPacket = { readonly startMs: number; readonly bytes: Buffer };

/** `packets`: in order of time. @throws MEDIA_UNREADABLE where they are more than any disc has; what `signal` aborts with */
export async function supOfPackets(packets: Iterable<DvdPacket>, header: VobSubHeader, signal: AbortSignal): Promise<Buffer> {
  const out: Buffer[] = [];
  let byteLength = 0;
  let number = 0;
  let last: Picture | null = null;
  const add = (picture: Picture, nextMs: number): void => {
    for (const part of displaySets(picture, { number: number++, nextMs, canvas: header })) {
      out.push(part);
      byteLength += part.byteLength;
    }
    if (number > MAX_PICTURES || byteLength > MAX_BYTES) throw new FerriteError('MEDIA_UNREADABLE', 'the subtitles have too many pictures');
  };
  let turnEndsMs = performance.now() + TURN_MS;
  for (const { startMs, bytes } of packets) {
    if (performance.now() >= turnEndsMs) {
      await nextTurn();
      signal.throwIfAborted();
      turnEndsMs = performance.now() + TURN_MS;
    }
    const picture = readPicture(bytes, startMs, header);
    if (picture === null) continue;
    if (last !== null) add(last, picture.startMs);
    last = picture;
  }
  if (last !== null) add(last, Number.POSITIVE_INFINITY);
  return Buffer.concat(out);
}
