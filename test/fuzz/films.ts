// The small whole films that mutants are made of: plain and fragmented MP4, and Matroska as ffmpeg and as others write it.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rewriteMatroska } from '../support/matroska-writer.ts';
import { runTool } from '../support/run-tool.ts';

const SOURCE = ['-f', 'lavfi', '-i', 'testsrc2=size=64x36:rate=24:duration=3', '-f', 'lavfi', '-i', 'sine=duration=3:sample_rate=48000'];
const ENCODING = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '12', '-bf', '2', '-c:a', 'aac', '-b:a', '32k'];
const LAYOUTS = [
  { clusterBlocks: 12, lacing: 'ebml', hasRelativePositions: true },
  { clusterBlocks: 30, lacing: 'xiph', hasBlockGroups: true, hasUnknownSizes: true },
] as const;

/** Their paths. */
export async function makeFilms(folder: string): Promise<string[]> {
  const make = async (name: string, args: readonly string[]) => {
    const path = join(folder, name);
    const limits = { deadlineMs: 60_000, maxOutputBytes: 1024 * 1024 };
    const { exitCode, stderrTail } = await runTool('ffmpeg', ['-v', 'error', '-y', ...args, path], limits);
    if (exitCode !== 0) throw new Error(`ffmpeg: ${stderrTail}`);
    return path;
  };
  const plain = await make('plain.mp4', [...SOURCE, ...ENCODING]);
  const fragmented = await make('fragmented.mp4', ['-i', plain, '-c', 'copy', '-movflags', 'frag_keyframe+empty_moov+default_base_moof']);
  const matroska = await make('plain.mkv', ['-i', plain, '-c', 'copy']);
  const rewritten = LAYOUTS.map(async (layout, index) => {
    const path = join(folder, `rewritten-${index}.mkv`);
    await writeFile(path, await rewriteMatroska(matroska, layout));
    return path;
  });
  return [plain, fragmented, matroska, ...(await Promise.all(rewritten))];
}
