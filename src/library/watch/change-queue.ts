// Places of one library that have changed and are still to be looked at: each once, and never more than a bound.
import type { Spot } from '#library/scan/places.ts';

const MAX_SPOTS = 20_000;
const MAX_FOLDERS = 2_000;

export class ChangeQueue {
  readonly #names = new Map<number, Set<string>>();
  readonly #maxSpots: number;
  readonly #maxFolders: number;
  #size = 0;

  constructor(maxSpots = MAX_SPOTS, maxFolders = MAX_FOLDERS) {
    this.#maxSpots = maxSpots;
    this.#maxFolders = maxFolders;
  }

  get size(): number {
    return this.#size;
  }

  /** Too many changes become their folders, and too many of those the whole. */
  add({ rootIndex, name }: Spot): void {
    const names = this.#names.get(rootIndex) ?? new Set();
    this.#names.set(rootIndex, names);
    if (names.has('')) return;
    if (name === '') names.clear();
    names.add(name);
    if (names.size > this.#maxSpots) this.#shorten(names);
    this.#size = [...this.#names.values()].reduce((sum, one) => sum + one.size, 0);
  }

  take(): readonly Spot[] {
    const spots = [...this.#names].flatMap(([rootIndex, names]) => Array.from(names, name => ({ rootIndex, name })));
    this.#names.clear();
    this.#size = 0;
    return spots;
  }

  #shorten(names: Set<string>): void {
    const folders = new Set(Array.from(names, name => name.slice(0, Math.max(0, name.lastIndexOf('/')))));
    names.clear();
    for (const folder of folders.size > this.#maxFolders ? [''] : folders) names.add(folder);
    if (names.has('') && names.size > 1) {
      names.clear();
      names.add('');
    }
  }
}
