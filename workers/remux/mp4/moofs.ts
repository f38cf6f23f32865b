// The samples of a fragmented MP4, gathered from the headers of its fragments (`moof`).
import { type BoxSpan, boxes, findBox } from '#workers/bmff/boxes.ts';
import { corrupt } from './boxes.ts';
import { GrowingColumns } from './growing-columns.ts';
import type { FragmentDefaults } from './movie.ts';
import { MAX_SAMPLES, type RawSamples } from './sample-table.ts';

const NOT_SYNC = 0x0001_0000;
const DEPENDS_ON_OTHERS = 0x0100_0000;

type TrackRun = { readonly view: Buffer; readonly run: BoxSpan; readonly defaults: FragmentDefaults; readonly baseOffset: number };
type TrackState = { readonly columns: GrowingColumns; readonly defaults: FragmentDefaults; nextDts: number; usesOneEntry: boolean };

/** Takes the fragments of a file one after the other. */
export class FragmentSamples {
  readonly #tracks = new Map<number, TrackState>();
  #sampleCount = 0;

  /** `head`: samples that lie in `moov` already, by track id. */
  constructor(defaults: ReadonlyMap<number, FragmentDefaults>, head: ReadonlyMap<number, RawSamples>) {
    for (const [id, trackDefaults] of defaults) {
      const columns = new GrowingColumns();
      const start = head.get(id);
      if (start) columns.addTable(start.table);
      this.#tracks.set(id, { columns, defaults: trackDefaults, nextDts: columns.endDts, usesOneEntry: true });
    }
  }

  add(moof: Buffer, moofStart: number): void {
    let dataEnd = moofStart;
    for (const traf of boxes(moof)) {
      if (traf.type === 'traf') dataEnd = this.#addTrack(moof, traf, moofStart, dataEnd);
    }
  }

  /** Null for a track without fragments, with times that run backwards or with more than one sample entry in use. */
  samplesOf(trackId: number): RawSamples | null {
    const state = this.#tracks.get(trackId);
    return state?.usesOneEntry ? state.columns.finish() : null;
  }

  /** Gives where the data of this track ends: the next track's may start there. */
  #addTrack(moof: Buffer, traf: BoxSpan, moofStart: number, previousEnd: number): number {
    const inside = (type: string) => findBox(moof, [type], traf.start, traf.end);
    const header = inside('tfhd');
    const state = header && this.#tracks.get(moof.readUInt32BE(header.start + 4));
    if (!header || !state) return previousEnd;
    const { defaults, baseOffset } = readTrackHeader(moof, header, state.defaults, moofStart, previousEnd);
    if (defaults.descriptionIndex !== 1) state.usesOneEntry = false;
    const decodeTime = inside('tfdt');
    if (decodeTime) state.nextDts = readDecodeTime(moof, decodeTime);
    let dataEnd = baseOffset;
    for (const run of boxes(moof, traf.start, traf.end)) {
      if (run.type === 'trun') dataEnd = this.#addRun(state, { view: moof, run, defaults, baseOffset }, dataEnd);
    }
    return dataEnd;
  }

  #addRun(state: TrackState, { view, run, defaults, baseOffset }: TrackRun, implicitOffset: number): number {
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
    const rowsFit = fields === 0 ? MAX_SAMPLES : (run.end - at) / (fields * 4);
    this.#sampleCount += count;
    if (count > rowsFit || this.#sampleCount > MAX_SAMPLES) throw corrupt('a fragment claims more samples than it holds');
    for (let sample = 0; sample < count; sample++) {
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
