// MP4 films with text of kinds that ffmpeg does not write.
import { readFile, writeFile } from 'node:fs/promises';
import { box } from '#workers/bmff/boxes.ts';
import { ffmpeg } from './media.ts';

export type TextSample = { readonly from: string; readonly to: string; readonly bytes: Buffer };

/** Of `wvtt`. */
export const webVttBoxes = (...cues: readonly (readonly [text: string, settings?: string])[]): Buffer =>
  Buffer.concat(
    cues.map(([text, settings]) => box('vttc', ...(settings ? [box('sttg', Buffer.from(settings))] : []), box('payl', Buffer.from(text)))),
  );

/**
 * ffmpeg writes text of the same lengths as `tx3g`, two bytes of which tell its own; then the samples and the name of what they are
 * are written over.
 */
export async function writeMp4TextFilm(path: string, format: 'wvtt' | 'stpp', samples: readonly TextSample[]): Promise<void> {
  const placeholders = samples.map(({ bytes }, at) => String(at).padEnd(bytes.byteLength - 2, 'x'));
  const srt = samples.map(({ from, to }, at) => `${at + 1}\n${from} --> ${to}\n${placeholders[at]}\n`).join('\n');
  await writeFile(`${path}.srt`, srt);
  const inputs = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:d=6:r=25', '-i', `${path}.srt`];
  await ffmpeg(...inputs, '-c:v', 'libx264', '-preset', 'ultrafast', '-c:s', 'mov_text', '-metadata:s:s:0', 'language=ger', path);
  const bytes = await readFile(path);
  for (const [at, sample] of samples.entries()) sample.bytes.copy(bytes, bytes.indexOf(placeholders[at] ?? '') - 2);
  bytes.write(format, bytes.lastIndexOf('tx3g'), 'latin1');
  bytes.write(format === 'wvtt' ? 'text' : 'subt', bytes.lastIndexOf('sbtl'), 'latin1');
  await writeFile(path, bytes);
}
