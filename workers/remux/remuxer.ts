// Which of our readers takes a file, told from its first bytes.
import { GuardedSource } from './guarded-source.ts';
import { openMatroska } from './matroska/matroska.ts';
import { startsLikeMp4 } from './mp4/file-index.ts';
import { openMp4 } from './mp4/mp4.ts';
import type { OpenOptions, RemuxSource } from './source.ts';
import { UnchangedFile } from './unchanged-file.ts';

const EBML_MAGIC = 0x1a45dfa3;

/** Null when the file is in no container we index: `ffmpeg -c copy` cuts those. */
export async function openRemuxSource(path: string, options: OpenOptions = {}): Promise<RemuxSource | null> {
  const source = await openByFirstBytes(path, options);
  return source && new GuardedSource(source);
}

async function openByFirstBytes(path: string, options: OpenOptions): Promise<RemuxSource | null> {
  const head = await firstBytes(path);
  if (startsLikeMp4(head)) return openMp4(path, options);
  if (head.byteLength >= 4 && head.readUInt32BE(0) === EBML_MAGIC) return openMatroska(path, options);
  return null;
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await UnchangedFile.open(path);
  try {
    return await file.read(0, 8);
  } finally {
    await file.close();
  }
}
