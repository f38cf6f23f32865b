// Every hostile file by its name: what each of them costs must stay a matter of its own scan.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as matroskaFiles from './matroska-files.ts';
import * as mp4Files from './mp4-files.ts';

export type HostileFile = { readonly name: string; readonly extension: 'mp4' | 'mkv'; readonly make: () => Buffer };

export const HOSTILE_FILES: readonly HostileFile[] = [
  ...Object.entries(mp4Files).map(([name, make]): HostileFile => ({ name, extension: 'mp4', make: () => make() })),
  ...Object.entries(matroskaFiles).map(([name, make]): HostileFile => ({ name, extension: 'mkv', make: () => make() })),
];

/** Returns its path. */
export async function writeHostileFile(folder: string, { name, extension, make }: HostileFile): Promise<string> {
  const path = join(folder, `${name}.${extension}`);
  await writeFile(path, make());
  return path;
}
