// A real store in a folder of its own, gone after the test.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type LibraryId, mediaIdFor, newLibraryId, newUserId } from '#domain/ids.ts';
import type { KeyframeMap, Media, User } from '#domain/media.ts';
import { type Database, openDatabase } from '#storage/database.ts';

export async function makeDataDir(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-storage-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function openStore(t: TestContext): Promise<{ dataDir: string; database: Database }> {
  const dataDir = await makeDataDir(t);
  const database = await openDatabase(dataDir);
  t.after(() => database.close());
  return { dataDir, database };
}

export function aUser(username: string, changes: Partial<User> = {}): User {
  return { id: newUserId(), username, role: 'viewer', enabled: true, passwordHash: 'x', tokenGeneration: 0, createdAtMs: 1, ...changes };
}

export function aMedia(title: string, changes: Partial<Media> & { libraryId?: LibraryId } = {}): Media {
  const libraryId = changes.libraryId ?? newLibraryId();
  const path = `/films/${title}.mkv`;
  return {
    id: mediaIdFor(libraryId, path),
    libraryId,
    path,
    name: `${title}.mkv`,
    fingerprint: 'f1',
    title,
    year: null,
    edition: null,
    part: null,
    extra: null,
    episode: null,
    ids: {},
    container: 'matroska',
    version: 'v1',
    byteLength: 10,
    mtimeMs: 1,
    durationMs: 1000,
    bitrateBps: 1,
    streams: { video: [], audio: [], subtitles: [] },
    sidecars: [],
    chapters: [],
    keyframes: null,
    hasPoster: false,
    addedAtMs: 1,
    ...changes,
  };
}

export function aKeyframeMap(keyframes: readonly number[]): KeyframeMap {
  return {
    version: 'v1',
    copyMethod: 'mp4',
    startTimeUs: -21_333,
    video: {
      timescale: 90_000,
      originPts: keyframes[0] ?? 0,
      keyframes,
      firstShownPts: keyframes[0] ?? 0,
      endPts: 9_000_000,
      hasLeadingPictures: false,
      peakBitrateBps: 5_000_000,
    },
    audio: [{ index: 1, timescale: 48_000, firstPts: -1024, frameDuration: 1024, endPts: 480_000 }],
  };
}
