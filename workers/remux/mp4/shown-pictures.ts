// Which pictures of a track its edit list shows: others are there to be decoded only.
import type { FileBudget } from '#workers/remux/file-budget.ts';
import { durationAt, ptsAt, type SampleTable, sliceTable } from '#workers/remux/sample-table.ts';

export type ShownPictures = {
  /** Without what follows the last that is shown. */
  readonly table: SampleTable;
  /** PTS of the first that is shown; null: all are. */
  readonly firstShownPts: number | null;
  /** PTS of the first that is not shown any more; null: there is none. */
  readonly hiddenFromPts: number | null;
};

/** `span` is in the times of the table. */
export async function shownPictures(
  table: SampleTable,
  span: { readonly from: number; readonly to: number } | null,
  budget: FileBudget,
): Promise<ShownPictures> {
  if (span === null) return { table, firstShownPts: null, hiddenFromPts: null };
  let firstShownPts = Number.POSITIVE_INFINITY;
  let hiddenFromPts = Number.POSITIVE_INFINITY;
  let end = 0;
  for await (const { from, to } of budget.stretches(table.count)) {
    for (let sample = from; sample < to; sample++) {
      const pts = ptsAt(table, sample);
      // The span's end is rounded to the movie's ticks: a picture is shown that has more than half of its time before it.
      const isHidden = pts + durationAt(table, sample) / 2 >= span.to;
      if (isHidden) hiddenFromPts = Math.min(hiddenFromPts, pts);
      else end = sample + 1;
      if (!isHidden && pts >= span.from) firstShownPts = Math.min(firstShownPts, pts);
    }
  }
  // A list that shows nothing is no list.
  if (firstShownPts === Number.POSITIVE_INFINITY) return { table, firstShownPts: null, hiddenFromPts: null };
  return {
    table: sliceTable(table, 0, end),
    firstShownPts,
    hiddenFromPts: hiddenFromPts === Number.POSITIVE_INFINITY ? null : hiddenFromPts,
  };
}
