// Whether the pictures of a film carry closed captions (CEA-608 and CEA-708): looked for in its bytes, for ffprobe does not tell.
import type { FileHandle } from 'node:fs/promises';

/** Some pictures of any bit rate: captions stand with every picture, also while nothing is said. */
const WINDOW_BYTES = 512 * 1024;
/** Of ATSC A/53, part 4: a picture's captions, as H.264, HEVC and AV1 carry them (ITU-T T.35), and as MPEG-2 does (user data). */
const MARKS = ['b500314741393403', '000001b24741393403'].map(hex => Buffer.from(hex, 'hex'));

/** Two stretches are read; all of a small file. */
export async function hasCaptions(file: FileHandle, byteLength: number): Promise<boolean> {
  const places = byteLength <= 2 * WINDOW_BYTES ? [0, WINDOW_BYTES] : [byteLength / 3, (byteLength * 2) / 3];
  for (const place of places) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(WINDOW_BYTES), 0, WINDOW_BYTES, Math.floor(place));
    const bytes = buffer.subarray(0, bytesRead);
    if (MARKS.some(mark => bytes.includes(mark))) return true;
  }
  return false;
}
