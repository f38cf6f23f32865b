// The key that signs poster addresses; made once.
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FerriteError } from '#domain/errors.ts';

const POSTER_KEY_BYTES = 32;

export async function posterKey(dataDir: string): Promise<Buffer> {
  const folder = join(dataDir, 'keys');
  const path = join(folder, 'poster-links.key');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const known = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new FerriteError('STORAGE_FAILED', `the key file ${path} can not be read`, { cause: error });
  });
  if (known?.byteLength === POSTER_KEY_BYTES) return known;
  const made = randomBytes(POSTER_KEY_BYTES);
  await writeFile(`${path}.tmp`, made, { mode: 0o600 });
  await rename(`${path}.tmp`, path);
  return made;
}
