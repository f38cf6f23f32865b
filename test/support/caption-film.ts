// Films whose pictures carry closed captions, which ffmpeg copies and does not make.
import { readFile, writeFile } from 'node:fs/promises';
import { ffmpeg } from './media.ts';

/** ATSC A/53, part 4: one pair of bytes for CC1 (erase the screen), in a user data SEI. */
const CAPTIONS = Buffer.from('b500314741393403c1fffc942cff', 'hex');
const SEI = Buffer.concat([Buffer.from([0, 0, 0, 1, 6, 4, CAPTIONS.byteLength]), CAPTIONS, Buffer.from([0x80])]);

/** As files and segments hold them. */
export const carriesCaptions = (bytes: Buffer): boolean => bytes.includes(CAPTIONS.subarray(0, 8));

/** A film of H.264 whose every picture has captions, in the container of `path`. */
export async function makeCaptionFilm(path: string, seconds: number): Promise<void> {
  const plain = `${path}.h264`;
  const x264 = 'slices=1:sliced-threads=0:keyint=50:scenecut=0';
  const picture = ['-f', 'lavfi', '-i', `testsrc2=s=320x180:d=${seconds}:r=25`, '-c:v', 'libx264', '-preset', 'ultrafast'];
  await ffmpeg(...picture, '-x264-params', x264, '-f', 'h264', plain);
  await writeFile(plain, withCaptions(await readFile(plain)));
  const sound = ['-f', 'lavfi', '-i', `sine=d=${seconds}`, '-map', '0', '-map', '1', '-c:v', 'copy', '-c:a', 'aac', '-ac', '2'];
  await ffmpeg('-r', '25', '-i', plain, ...sound, path);
}

/** In front of each slice, which is a picture. */
function withCaptions(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf('000001', 0, 'hex'); at !== -1; at = bytes.indexOf('000001', at + 3, 'hex')) {
    const kind = (bytes[at + 3] ?? 0) & 31;
    if (kind !== 1 && kind !== 5) continue;
    const start = bytes[at - 1] === 0 ? at - 1 : at;
    parts.push(bytes.subarray(from, start), SEI);
    from = start;
  }
  return Buffer.concat([...parts, bytes.subarray(from)]);
}
