// The cases of the naming corpus, where it lies beside the repository. Nothing of it is kept in the repository: it is for measuring alone.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Case = {
  readonly id: string;
  readonly kind: 'episode' | 'movie' | 'extra' | 'path';
  readonly input: string;
  readonly expect: Readonly<Record<string, unknown>>;
  readonly what?: string;
  readonly directory?: boolean;
  readonly root?: string;
  readonly video?: string;
};

const FILE = /\.(?:mkv|avi|mp4|m4v|mov|ts|wmv|divx|webm|srt|ass|sub|disc|mp3)$/i;

/** Null where it is not there. */
export function corpusFolder(): string | null {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const found = join(folder, 'shared/corpora/naming');
    if (existsSync(found)) return found;
    if (folder === dirname(folder)) return null;
  }
}

/** Those that a file can carry. */
export function readCorpus(folder: string): Case[] {
  const lines = readdirSync(folder)
    .filter(name => name.endsWith('.jsonl'))
    .flatMap(name => readFileSync(join(folder, name), 'utf8').trim().split('\n'));
  return lines.map(line => JSON.parse(line)).filter(one => one.notAFile !== true && typeof one.input === 'string');
}

/** A third, which was not looked at while the rules were written. */
export const isHeldOut = ({ id }: Pick<Case, 'id'>): boolean =>
  Number.parseInt(createHash('sha1').update(id).digest('hex').slice(8, 16), 16) % 3 === 0;

/** Inside the library. */
export function pathOf({ input, root, directory, what }: Case): string {
  const inside =
    root !== undefined && input.startsWith(`${root}/`) ? input.slice(root.length + 1) : input.replace(/^(?:[A-Za-z]:)?\/+/, '');
  // What a folder says is asked of a file in it that says nothing.
  if (what === 'season folder') return `${inside}/something.mkv`;
  if (what === 'series folder') return `${inside}/S01E01.mkv`;
  return directory !== true && FILE.test(inside) ? inside : `${inside}.mkv`;
}

export function kindOf({ id, kind, expect, input }: Case): 'movies' | 'shows' {
  if (kind === 'movie' || kind === 'extra') return 'movies';
  if (kind === 'episode' || id.startsWith('sonarr') || 'season' in expect) return 'shows';
  return /\/movies\//i.test(input) ? 'movies' : 'shows';
}
