// ffmpeg and ffprobe started directly, for tests that need no helper process; and small films made with them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { FerriteError } from '#domain/errors.ts';
import type { FedProgram, RunTool } from '#workers/programs/run-tool.ts';

export const runTool: RunTool = async (tool, args, { deadlineMs, maxOutputBytes, signal, feed }) => {
  const running = execa(tool, args, {
    encoding: 'buffer',
    reject: false,
    stripFinalNewline: false,
    stdin: feed ? 'pipe' : 'ignore',
    timeout: deadlineMs,
    maxBuffer: maxOutputBytes,
    ...(signal && { cancelSignal: signal }),
  });
  if (feed) {
    // Of a started program whoever feeds it uses its stdin alone.
    const child = { socket: running.stdin, spawned: Promise.resolve() } as unknown as FedProgram;
    running.stdin?.on('error', () => running.stdin?.destroy());
    await feed(child);
  }
  const result = await running;
  if (result.timedOut) throw new FerriteError('INSPECTION_DEFERRED', `${tool} took too long`);
  if (result.isCanceled || result.isMaxBuffer) throw new FerriteError('MEDIA_UNREADABLE', `${tool} had to be ended`);
  return { stdout: Buffer.from(result.stdout), stderrTail: Buffer.from(result.stderr).toString('utf8'), exitCode: result.exitCode ?? null };
};

export async function temporaryFolder(t: { after(clean: () => Promise<void>): unknown }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Ten frames a second of a test picture, a keyframe every second, and a tone: a few kilobytes. */
export async function makeFilm(path: string, { seconds = 3, output = [] as readonly string[] } = {}): Promise<void> {
  const inputs = [
    '-f',
    'lavfi',
    '-i',
    `testsrc2=size=128x72:rate=10:duration=${seconds}`,
    '-f',
    'lavfi',
    '-i',
    `sine=duration=${seconds}:sample_rate=48000`,
  ];
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-pix_fmt', 'yuv420p'];
  await execa('ffmpeg', ['-v', 'error', '-y', ...inputs, ...video, '-c:a', 'aac', '-b:a', '64k', '-ac', '2', ...output, `file:${path}`]);
}
