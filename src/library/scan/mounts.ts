// Whether what a library lay on is still there. A disk that is not mounted leaves an empty folder, or another disk's, or none.
import { lstat, opendir, realpath } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import type { Library } from '#domain/media.ts';
import type { Devices } from '#storage/records/identity/library-devices.ts';
import type { Spot } from './places.ts';
import type { ScannerOptions } from './scanner-options.ts';

/** Of the noted devices those that are not where they were: what is missing there may be no more than unmounted. */
export async function missingMounts(library: Library, noted: Devices): Promise<Spot[]> {
  const roots = await Promise.all(library.paths.map(path => realpath(path).catch(() => null)));
  const spots = await Promise.all(
    Object.entries(noted).map(async ([path, device]): Promise<readonly Spot[]> => {
      const now = await lstat(path).then(
        facts => facts.dev,
        () => null,
      );
      if (now === device) return [];
      return roots.flatMap((root, rootIndex) => {
        const isBelow = root !== null && (path === root || path.startsWith(root + sep));
        return isBelow ? { rootIndex, name: relative(root, path).split(sep).join('/') } : [];
      });
    }),
  );
  return spots.flat();
}

/** Whether the folder of a library in which this path lies is there, on the device that it was on, with something in it. */
export async function isReachable(path: string, { libraries, devices }: Pick<ScannerOptions, 'libraries' | 'devices'>): Promise<boolean> {
  for (const library of libraries.list()) {
    const noted = devices.get(library.id);
    for (const folder of library.paths) {
      const root = await realpath(folder).catch(() => null);
      if (root === null) {
        if (path.startsWith(folder + sep)) return false;
        continue;
      }
      if (!path.startsWith(root + sep)) continue;
      const below = Object.entries(noted).filter(([mount]) => path === mount || path.startsWith(mount + sep));
      const facts = await Promise.all(below.map(async ([mount, device]) => (await lstat(mount).catch(() => null))?.dev === device));
      return facts.every(Boolean) && !(await hasNothing(root));
    }
  }
  return true;
}

async function hasNothing(folder: string): Promise<boolean> {
  const entries = await opendir(folder);
  try {
    return (await entries.read()) === null;
  } finally {
    await entries.close();
  }
}
