// Files that are told apart by their bytes, and an inspector that takes each for the same short film: for tests of who is who.
import { mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { scannedFile } from '#domain/media.ts';
import type { Inspection } from '#domain/protocol.ts';
import { readFingerprint } from '#library/scan/disk/fingerprints.ts';

/** Long ago, so that nobody takes it for one that is still being written. */
const WRITTEN_AT_S = 1_700_000_000;

/** One that is called `name` and holds `content`. */
export async function writeStub(root: string, name: string, content: string = name): Promise<string> {
  const path = join(root, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  await utimes(path, WRITTEN_AT_S, WRITTEN_AT_S);
  return path;
}

/** `inspected`: the paths that it was asked for. */
export function stubInspector(): { readonly inspected: string[]; readonly inspect: (id: string, path: string) => Promise<Inspection> } {
  const inspected: string[] = [];
  const inspect = async (_: string, path: string): Promise<Inspection> => {
    inspected.push(path);
    const facts = scannedFile(await stat(path));
    const fingerprint = await readFingerprint(path);
    const version = `${fingerprint.slice(0, 16)}${facts.mtimeMs.toString(16)}`;
    const video = { timescale: 1000, originPts: 0, keyframes: [0], firstShownPts: 0, endPts: 4000 };
    return {
      container: 'mp4',
      version,
      fingerprint,
      ...facts,
      durationMs: 4000,
      bitrateBps: 1000,
      streams: { video: [], audio: [], subtitles: [] },
      chapters: [],
      keyframes: {
        version,
        copyMethod: 'ffmpeg',
        startTimeUs: 0,
        video: { ...video, hasLeadingPictures: false, peakBitrateBps: 1000 },
        audio: [],
      },
    };
  };
  return { inspected, inspect };
}
