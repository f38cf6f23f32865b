// How far a viewer has come in a film or an episode, whichever of its files it was that was watched. Pure.
import type { MediaId } from '../ids.ts';
import type { Progress } from '../media.ts';

/** A file, and how long it lasts. */
export type Played = { readonly id: MediaId; readonly durationMs: number };
/** The files of each version, as they are played one after the other. */
export type PlayedVersions = readonly (readonly Played[])[];

export type ItemProgress = {
  /** In the version whose file was watched last, over all of its parts. */
  readonly progress: Progress;
  /** That file. */
  readonly mediaId: MediaId;
};

/** The newest of all files; null where none was watched. */
export function itemProgress(versions: PlayedVersions, get: (id: MediaId) => Progress | undefined): ItemProgress | null {
  let newest: { readonly version: readonly Played[]; readonly at: number; readonly saved: Progress } | null = null;
  for (const version of versions) {
    for (const [at, { id }] of version.entries()) {
      const saved = get(id);
      if (saved !== undefined && (newest === null || saved.updatedAtMs > newest.saved.updatedAtMs)) newest = { version, at, saved };
    }
  }
  if (newest === null) return null;
  const { version, at, saved } = newest;
  const mediaId = version[at]?.id;
  if (mediaId === undefined) return null;
  if (version.length === 1) return { progress: saved, mediaId };
  const beforeMs = lengthOf(version.slice(0, at));
  const isLast = at === version.length - 1;
  // Who has seen a part to its end goes on with the next one.
  const positionMs = beforeMs + (saved.watched && !isLast ? (version[at]?.durationMs ?? 0) : saved.positionMs);
  return { progress: { ...saved, positionMs, durationMs: lengthOf(version), watched: saved.watched && isLast }, mediaId };
}

/** Which file of a version shows a position, and where in it. */
export function partAt(version: readonly Played[], positionMs: number): { readonly id: MediaId; readonly positionMs: number } | null {
  let restMs = positionMs;
  for (const [at, { id, durationMs }] of version.entries()) {
    if (restMs < durationMs || at === version.length - 1) return { id, positionMs: restMs };
    restMs -= durationMs;
  }
  return null;
}

/** Where a file of a version begins in it. */
export function partStartMs(version: readonly Played[], id: MediaId): number {
  return lengthOf(
    version.slice(
      0,
      version.findIndex(part => part.id === id),
    ),
  );
}

const lengthOf = (parts: readonly Played[]): number => parts.reduce((sum, { durationMs }) => sum + durationMs, 0);
