// What happens to a store's file: it is cut short, and zeros or random bytes are written over parts of it. Always the same ones for a seed.

export type StoreDamage = { readonly what: string; readonly bytes: Buffer };

export function cuts(whole: Buffer, lengths: readonly number[]): StoreDamage[] {
  return lengths.map(length => ({ what: `cut to ${length} bytes`, bytes: whole.subarray(0, length) }));
}

/** `rounds` times four: zeros and random bytes, in the two heads and in the pages. */
export function* scribbles(whole: Buffer, rounds: number): Generator<StoreDamage> {
  let seed = 20_261_127;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  for (let round = 0; round < rounds; round++) {
    for (const [area, from, to] of [
      ['the heads', 0, 8_192],
      ['the pages', 8_192, whole.byteLength],
    ] as const) {
      const at = from + random(to - from - 600);
      const length = 1 + random(600);
      yield { what: `${length} zeros at ${at} in ${area}`, bytes: Buffer.from(whole).fill(0, at, at + length) };
      const scribbled = Buffer.from(whole);
      for (let byte = at; byte < at + length; byte++) scribbled[byte] = random(256);
      yield { what: `${length} random bytes at ${at} in ${area}`, bytes: scribbled };
    }
  }
}
