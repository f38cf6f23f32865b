// Copies that are on the disk when they are said to be, with what they weigh and their hash as they were read.
import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export type FileFacts = { readonly byteLength: number; readonly sha256: string };

const CHUNK_BYTES = 1024 * 1024;
const PARALLEL = 8;

/** Of a file that is in its place already: LMDB's copy. Flushed. */
export async function settle(path: string): Promise<FileFacts> {
  const file = await open(path, 'r+');
  try {
    await file.chmod(0o600);
    const facts = await read(file, async () => undefined);
    await file.sync();
    return facts;
  } finally {
    await file.close();
  }
}

/** Never over a file that is there. */
export async function copyFile(from: string, to: string): Promise<FileFacts> {
  const source = await open(from, 'r');
  try {
    const target = await open(to, 'wx', 0o600);
    try {
      const facts = await read(source, async bytes => {
        await target.writeFile(bytes);
      });
      await target.sync();
      return facts;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function read(file: Awaited<ReturnType<typeof open>>, take: (bytes: Uint8Array) => Promise<void>): Promise<FileFacts> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let byteLength = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, byteLength);
    if (bytesRead === 0) return { byteLength, sha256: hash.digest('hex') };
    const bytes = buffer.subarray(0, bytesRead);
    hash.update(bytes);
    await take(bytes);
    byteLength += bytesRead;
  }
}

/** Some at a time, in folders that are made for them; `each` is told in no order. Nothing is under way any more when it ends. */
export async function forEachFile(paths: readonly string[], root: string, each: (path: string) => Promise<void>): Promise<void> {
  const folders = foldersOf(paths);
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true, mode: 0o700 });
  const left = paths.values();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const path of left) {
      if (failures.length > 0) return;
      await each(path).catch(error => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  if (failures.length > 0) throw failures[0];
  for (const folder of folders) await syncFolder(join(root, folder));
}

/** All of them, the root as well. */
function foldersOf(paths: readonly string[]): ReadonlySet<string> {
  const folders = new Set(['.']);
  for (const path of paths) for (let folder = dirname(path); !folders.has(folder); folder = dirname(folder)) folders.add(folder);
  return folders;
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
