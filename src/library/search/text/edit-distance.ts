// How many letters must be changed, left out, added or swapped with their neighbour to make one word of another (Damerau, optimal string alignment). Pure.

/** `most`: beyond it the answer is just "more": most + 1. */
export function editDistance(a: string, b: string, most: number): number {
  return lastRow(a, b, most)?.at(-1) ?? most + 1;
}

/** Of `typed` from the nearest beginning of `text`: what was not typed yet is no mistake. */
export function prefixDistance(typed: string, text: string, most: number): number {
  const row = lastRow(typed, text.slice(0, typed.length + most), most);
  return row === null ? most + 1 : Math.min(most + 1, ...row);
}

/** The distances of `a` from every beginning of `b`; null where all are more than `most`. */
function lastRow(a: string, b: string, most: number): number[] | null {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let cost = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      next.push(cost);
      least = Math.min(least, cost);
    }
    if (least > most + 1) return null;
    [before, row] = [row, next];
  }
  return row;
}
