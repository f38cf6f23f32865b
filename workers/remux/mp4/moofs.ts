// The samples of a fragmented MP4, gathered from the headers of its fragments (`moof`).
import { type BoxSpan, boxes } from '#workers/bmff/boxes.ts';
import type { FileBudget } from '#workers/remux/file-budget.ts';
import { corrupt } from './boxes.ts';
import { GrowingColumns } from './growing-columns.ts';
import type { FragmentDefaults } from './movie.ts';
import type { RawSamples } from './sample-table.ts';

const NOT_SYNC = 0x0001_0000;
const DEPENDS_ON_OTHERS = 0x0100_0000;
/** In one fragment of one track: writers make a run for each chunk. */
const MAX_TRACK_BOXES = 20_000;
/** Samples between two looks at the clock. */
const STRETCH = 16 * 1024;

type TrackRun = { readonly view: Buffer; readonly run: BoxSpan; readonly defaults: FragmentDefaults; readonly baseOffset: number };
type TrackState = { readonly columns: GrowingColumns; readonly defaults: FragmentDefaults; nextDts: number; usesOneEntry: boolean };

/** Takes the fragments of a file one after the other. */
export class FragmentSamples {
  readonly #tracks = new Map<number, TrackState>();
  readonly #budget: FileBudget;

  /** Of the tracks that have `defaults`. */
  constructor(defaults: ReadonlyMap<number, FragmentDefaults>, budget: FileBudget) {
    this.#budget = budget;
    for (const [id, trackDefaults] of defaults) {
      this.#tracks.set(id, { columns: new GrowingColumns(), defaults: trackDefaults, nextDts: 0, usesOneEntry: true });
    }
  }

  /** Samples that lie in `moov` already. */
  async start(trackId: number, { table }: RawSamples): Promise<void> {
    const state = this.#tracks.get(trackId);
    if (!state) return;
    await state.columns.addTable(table, this.#budget);
    state.nextDts = state.columns.endDts;
  }

  async add(moof: Buffer, moofStart: number): Promise<void> {
    let dataEnd = moofStart;
    for (const traf of boxes(moof)) {
      this.#budget.take('elements');
      if (this.#budget.isTurnOver) await this.#budget.pause();
      if (traf.type === 'traf') dataEnd = await this.#addTrack(moof, traf, moofStart, dataEnd);
    }
  }

  /** Null for a track without fragments, with times that run backwards or with more than one sample entry in use. */
  async samplesOf(trackId: number): Promise<RawSamples | null> {
    const state = this.#tracks.get(trackId);
    return state?.usesOneEntry ? state.columns.finish(this.#budget) : null;
  }

  /** Gives where the data of this track ends: the next track's may start there. */
  async #addTrack(moof: Buffer, traf: BoxSpan, moofStart: number, previousEnd: number): Promise<number> {
    const { header, decodeTime, runs } = this.#partsOf(moof, traf);
    const state = header && this.#tracks.get(moof.readUInt32BE(header.start + 4));
    if (!header || !state) return previousEnd;
    const { defaults, baseOffset } = readTrackHeader(moof, header, state.defaults, moofStart, previousEnd);
    if (defaults.descriptionIndex !== 1) state.usesOneEntry = false;
    if (decodeTime) state.nextDts = readDecodeTime(moof, decodeTime);
    let dataEnd = baseOffset;
    for (const run of runs) dataEnd = await this.#addRun(state, { view: moof, run, defaults, baseOffset }, dataEnd);
    return dataEnd;
  }

  #partsOf(moof: Buffer, traf: BoxSpan) {
    let header: BoxSpan | null = null;
    let decodeTime: BoxSpan | null = null;
    const runs: BoxSpan[] = [];
    let count = 0;
    for (const child of boxes(moof, traf.start, traf.end)) {
      this.#budget.take('elements');
      if (++count > MAX_TRACK_BOXES) throw corrupt('a fragment has too many boxes');
      if (child.type === 'trun') runs.push(child);
      else if (child.type === 'tfhd') header ??= child;
      else if (child.type === 'tfdt') decodeTime ??= child;
    }
    return { header, decodeTime, runs };
  }

  async #addRun(state: TrackState, { view, run, defaults, baseOffset }: TrackRun, implicitOffset: number): Promise<number> {
    const word = view.readUInt32BE(run.start);
    const flags = word & 0xff_ffff;
    const count = view.readUInt32BE(run.start + 4);
    let at = run.start + 8;
    const take = () => {
      at += 4;
      return view.readInt32BE(at - 4);
    };
    let offset = flags & 0x01 ? baseOffset + take() : implicitOffset;
    let sampleFlags = flags & 0x04 ? take() : defaults.flags;
    const fields = [0x100, 0x200, 0x400, 0x800].filter(flag => flags & flag).length;
    if (count * fields * 4 > run.end - at) throw corrupt('a fragment claims more samples than it holds');
    this.#budget.take('samples', count);
    if (this.#budget.isTurnOver) await this.#budget.pause();
    for (let sample = 0; sample < count; sample++) {
      if (sample % STRETCH === STRETCH - 1) await this.#budget.pause();
      const duration = flags & 0x100 ? take() >>> 0 : defaults.duration;
      const byteLength = flags & 0x200 ? take() >>> 0 : defaults.byteLength;
      if (flags & 0x400) sampleFlags = take();
      else if (sample > 0) sampleFlags = defaults.flags;
      const compositionOffset = flags & 0x800 ? take() : 0;
      const isSync = (sampleFlags & (NOT_SYNC | DEPENDS_ON_OTHERS)) === 0;
      state.columns.add({ dts: state.nextDts, compositionOffset, byteLength, fileOffset: offset, duration, isSync });
      state.nextDts += duration;
      offset += byteLength;
    }
    return offset;
  }
}

function readDecodeTime(moof: Buffer, { start }: BoxSpan): number {
  return moof.readUInt8(start) === 1 ? Number(moof.readBigUInt64BE(start + 4)) : moof.readUInt32BE(start + 4);
}

function readTrackHeader(moof: Buffer, header: BoxSpan, trackDefaults: FragmentDefaults, moofStart: number, previousEnd: number) {
  const flags = moof.readUInt32BE(header.start) & 0xff_ffff;
  let at = header.start + 8;
  const take = () => {
    at += 4;
    return moof.readUInt32BE(at - 4);
  };
  const isExplicit = (flags & 0x01) !== 0;
  const explicitOffset = isExplicit ? take() * 2 ** 32 + take() : 0;
  const defaults = {
    descriptionIndex: flags & 0x02 ? take() : trackDefaults.descriptionIndex,
    duration: flags & 0x08 ? take() : trackDefaults.duration,
    byteLength: flags & 0x10 ? take() : trackDefaults.byteLength,
    flags: flags & 0x20 ? take() : trackDefaults.flags,
  };
  if (isExplicit) return { defaults, baseOffset: explicitOffset };
  return { defaults, baseOffset: flags & 0x020000 ? moofStart : previousEnd };
}
