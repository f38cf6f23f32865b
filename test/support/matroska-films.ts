// Small Matroska films made with ffmpeg, one folder of them per test file; removed when its tests are over.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { execa } from 'execa';
import { openMatroska } from '#workers/remux/matroska/matroska.ts';
import type { RemuxSource } from '#workers/remux/source.ts';

export const SECONDS = 5;
export const picture = (rate: string) => ['-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=${rate}:duration=${SECONDS}`];
export const tone = (rate: number) => ['-f', 'lavfi', '-i', `sine=duration=${SECONDS}:sample_rate=${rate}`];
export const SOURCE = [...picture('24000/1001'), ...tone(48_000)];
export const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '24', '-bf', '3', '-b_strategy', '0'];
export const AAC = ['-c:a', 'aac', '-ac', '2'];
export const FILM = [...SOURCE, ...X264, ...AAC];

export const folder = await mkdtemp(join(tmpdir(), 'ferrite-mkv-'));
after(() => rm(folder, { recursive: true, force: true }));

const made = new Map<string, Promise<string>>();

/** Equal arguments give the same file, made once. */
export function make(name: string, args: readonly string[]): Promise<string> {
  const key = [name, ...args].join(' ');
  const known = made.get(key) ?? run(join(folder, `${made.size}-${name}`), args);
  made.set(key, known);
  return known;
}

async function run(path: string, args: readonly string[]): Promise<string> {
  await execa('ffmpeg', ['-v', 'error', '-y', ...args, path]);
  return path;
}

export async function open(path: string): Promise<RemuxSource> {
  const source = await openMatroska(path);
  assert.ok(source, 'the file is indexed');
  return source;
}
