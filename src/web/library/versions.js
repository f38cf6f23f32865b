// The versions of one film: which of them this browser takes best, and how a person tells them apart.
import { formatBitrate, formatResolution } from '../format.js';

/** @typedef {{ positionMs: number, durationMs: number, watched: boolean, updatedAtMs: number }} Progress */
/** @typedef {{ mediaId: string, container: string, width: number, height: number, bitrateBps: number, edition?: string | null, progress: Progress | null, parts?: { mediaId: string, durationMs: number }[] }} Version */

/** From what costs the server and the picture least. */
const DELIVERIES = ['direct', 'remux', 'transcode'];

/**
 * The one that was begun last; else the sharpest of those that are taken most directly. `deliveries` has null where that is not known.
 * @param {readonly Version[]} versions
 * @param {readonly (string | null)[]} deliveries by version
 */
export function bestVersion(versions, deliveries) {
  const begun = versions.filter(({ progress }) => progress !== null && !progress.watched && progress.positionMs > 0);
  const latest = begun.sort((one, other) => (other.progress?.updatedAtMs ?? 0) - (one.progress?.updatedAtMs ?? 0))[0];
  if (latest !== undefined) return latest;
  /** @param {Version} version */
  const cost = version => {
    const place = DELIVERIES.indexOf(deliveries[versions.indexOf(version)] ?? '');
    return place < 0 ? DELIVERIES.length : place;
  };
  return [...versions].sort(
    (one, other) => cost(one) - cost(other) || other.width * other.height - one.width * one.height || other.bitrateBps - one.bitrateBps,
  )[0];
}

/** `Director's Cut · 1080p · 24 Mbit/s`. @param {Pick<Version, 'width' | 'height' | 'bitrateBps' | 'edition'>} version */
export const versionName = ({ edition, width, height, bitrateBps }) =>
  [edition, formatResolution(width, height), formatBitrate(bitrateBps)].filter(Boolean).join(' · ');

/** The newest of all versions. @param {readonly Version[]} versions @returns {Progress | null} */
export function latestProgress(versions) {
  const known = versions.flatMap(({ progress }) => progress ?? []);
  return known.sort((one, other) => other.updatedAtMs - one.updatedAtMs)[0] ?? null;
}

/** The file that follows one in a film of several parts. @param {readonly Version[]} versions @param {string} mediaId @returns {string | null} */
export function partAfter(versions, mediaId) {
  for (const { parts = [] } of versions) {
    const at = parts.findIndex(part => part.mediaId === mediaId);
    if (at >= 0) return parts[at + 1]?.mediaId ?? null;
  }
  return null;
}
