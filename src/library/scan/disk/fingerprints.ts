// Reads what tells a file by its bytes: two small pieces of it, at most a few files at once.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { FINGERPRINT_SAMPLE_BYTES, fingerprintOf } from '#domain/catalogue/fingerprint.ts';

// What was a file a moment ago may be a pipe by now, which would hold whoever opens it, or a link, which may lead anywhere.
const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** Empty where it can not be read: the inspection will say why. */
export async function readFingerprint(path: string): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, READ);
    const { size, isFile } = await file.stat().then(facts => ({ size: facts.size, isFile: facts.isFile() }));
    if (!isFile || size === 0) return '';
    const length = Math.min(FINGERPRINT_SAMPLE_BYTES, size);
    const head = await readAt(file, 0, length);
    const tail = await readAt(file, size - length, length);
    return fingerprintOf({ byteLength: size, head, tail });
  } catch {
    return '';
  } finally {
    await file?.close();
  }
}

async function readAt(file: FileHandle, position: number, byteLength: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(byteLength), 0, byteLength, position);
  return buffer.subarray(0, bytesRead);
}
