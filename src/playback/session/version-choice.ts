// Which file of a film or an episode a session plays, and from where: the version that the client takes most directly, at the viewer's place in it.
import { itemProgress, type PlayedVersions, partAt, partStartMs } from '#domain/catalogue/item-progress.ts';
import { FerriteError } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import type { Progress } from '#domain/media.ts';
import type { Offer } from '#domain/session.ts';

export type Wanted = {
  readonly mediaId: MediaId;
  /** This file and no other version. */
  readonly isExact: boolean;
  /** In the file that is named; null: where the viewer was last. */
  readonly startPositionMs: number | null;
};

export type Choice = { readonly mediaId: MediaId; readonly positionMs: number };

export type ChoiceOptions = {
  /** The sharpest first. */
  readonly versions: PlayedVersions;
  readonly progressOf: (id: MediaId) => Progress | undefined;
  /** Where who has come that far goes on. */
  readonly resumeMs: (progress: Progress) => number;
  /** How a file would reach the client. Throws where it can not. */
  readonly deliveryOf: (id: MediaId) => Offer['delivery'];
};

/** From what costs the server and the picture least. */
const COSTS: Readonly<Record<Offer['delivery'], number>> = { direct: 0, remux: 1, transcode: 2 };

/** @throws what `deliveryOf` throws, where no version can be delivered */
export function chooseVersion(wanted: Wanted, { versions, progressOf, resumeMs, deliveryOf }: ChoiceOptions): Choice {
  const { mediaId, isExact, startPositionMs } = wanted;
  const own = versions.find(version => version.some(({ id }) => id === mediaId)) ?? [];
  const beforeMs = partStartMs(own, mediaId);
  const saved = itemProgress(versions, progressOf)?.progress;
  const savedMs = saved === undefined ? 0 : resumeMs(saved);
  const positionMs = startPositionMs === null ? savedMs : beforeMs + startPositionMs;
  if (isExact || versions.length === 0) {
    // A position that is named is one of the whole version; the viewer's own may lie in another part than the one that is asked for.
    const part = own.length > 1 ? partAt(own, positionMs) : null;
    if (part === null) return { mediaId, positionMs };
    if (startPositionMs === null && part.id !== mediaId) return { mediaId, positionMs: 0 };
    return { mediaId: part.id, positionMs: part.positionMs };
  }
  const parts = versions.flatMap(version => partAt(version, positionMs) ?? []);
  const { id, ...place } = parts.length === 1 ? (parts[0] ?? { id: mediaId, positionMs }) : cheapest(parts, deliveryOf);
  return { mediaId: id, ...place };
}

type Part = { readonly id: MediaId; readonly positionMs: number };

function cheapest(parts: readonly Part[], deliveryOf: ChoiceOptions['deliveryOf']): Part {
  let best: { readonly part: Part; readonly cost: number } | null = null;
  let failure: unknown = null;
  for (const part of parts) {
    try {
      const cost = COSTS[deliveryOf(part.id)];
      if (best === null || cost < best.cost) best = { part, cost };
    } catch (error) {
      if (!(error instanceof FerriteError)) throw error;
      failure ??= error;
    }
  }
  if (best === null) throw failure;
  return best.part;
}
