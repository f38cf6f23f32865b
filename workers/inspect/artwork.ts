// A picture that somebody has put beside a film, at the size in which it is shown. One that can be seen through stays so.
import { open } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';

export type ArtworkOptions = {
  readonly runTool: RunTool;
  /** Pixels at most; the height follows. */
  readonly width: number;
  /** As a PNG, which keeps what can be seen through. */
  readonly isTransparent: boolean;
  readonly signal?: AbortSignal;
};

const DEADLINE_MS = 120_000;
const MAX_BYTES = 2 * 1024 * 1024;
/** A picture of 100 megapixels takes half a gigabyte. */
const LIMITS = { addressSpaceBytes: 2 * 1024 ** 3, cpuSeconds: 20, priority: 'background' } as const;
const HEAD_BYTES = 12;

/** What its bytes are, whatever it is called: a name never chooses how a file is read, or which other ones with it. */
function demuxerOf(head: Buffer): string | null {
  const text = head.toString('latin1');
  if (text.startsWith('\xff\xd8\xff')) return 'jpeg_pipe';
  if (text.startsWith('\x89PNG\r\n')) return 'png_pipe';
  if (text.startsWith('RIFF') && text.endsWith('WEBP')) return 'webp_pipe';
  if (text.startsWith('GIF8')) return 'gif';
  return text.startsWith('BM') ? 'bmp_pipe' : null;
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new FerriteError('MEDIA_UNREADABLE', 'the picture can not be opened', { cause });
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** @throws MEDIA_UNREADABLE where it is no picture */
export async function resizeArtwork(path: string, { runTool, width, isTransparent, signal }: ArtworkOptions): Promise<Buffer> {
  const demuxer = demuxerOf(await headOf(path));
  if (demuxer === null) throw new FerriteError('MEDIA_UNREADABLE', 'not a picture');
  const format = isTransparent ? ['-c:v', 'png', '-pix_fmt', 'rgba'] : ['-c:v', 'mjpeg', '-q:v', '4', '-pix_fmt', 'yuvj420p'];
  const result = await runTool(
    'ffmpeg',
    [
      ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error', '-threads', '1'],
      ...['-protocol_whitelist', 'file', '-f', demuxer, '-i', `file:${path}`, '-map', '0:v:0', '-frames:v', '1'],
      ...['-vf', `scale='min(${width},iw)':-2:flags=area`, ...format, '-f', 'image2pipe', 'pipe:1'],
    ],
    { deadlineMs: DEADLINE_MS, maxOutputBytes: MAX_BYTES, limits: LIMITS, ...(signal && { signal }) },
  );
  if (result.exitCode !== 0 || result.stdout.byteLength === 0) throw new FerriteError('MEDIA_UNREADABLE', 'not a picture');
  return result.stdout;
}
