// A segment of fragmented MP4 as one of a transport stream, for players that know no other: the same frames at the same times.
import { FerriteError } from '#domain/errors.ts';
import { TRANSPORT_CLOCK, TRANSPORT_START } from '#domain/presentation.ts';
import { decodeTimesOf } from '#workers/bmff/decode-times.ts';
import { type FragmentHeader, FragmentReader, type FragmentSample } from '#workers/bmff/fragments.ts';
import { accessUnits, PICTURES } from './access-units.ts';
import { type Pes, packets, pes } from './packets.ts';

export type FragmentedSegment = { readonly init: Uint8Array; readonly segment: Uint8Array; readonly index: number };

/** Half a millisecond, between pictures that are all decoded before the second is shown. */
const LEAST_STEP = TRANSPORT_CLOCK / 2000;
/** Frames of sound that share a header: some 80 ms. */
const SOUND_FRAMES = 4;

/** What a pool of threads calls. @throws ENCODE_FAILED for what is no fragmented MP4 */
export default function transportStream({ init, segment, index }: FragmentedSegment): Buffer {
  let header: FragmentHeader | null = null;
  const samples: FragmentSample[] = [];
  const reader = new FragmentReader({
    onHeader: found => {
      header = found;
    },
    onSample: sample => samples.push(sample),
  });
  reader.push(Buffer.from(init));
  reader.push(Buffer.from(segment));
  reader.end();
  if (header === null) throw new FerriteError('ENCODE_FAILED', 'the init segment has no track');
  return written(header, samples, index);
}

function written({ timescale, sampleEntry }: FragmentHeader, samples: readonly FragmentSample[], index: number): Buffer {
  const { streamType, streamId, unitOf } = accessUnits(sampleEntry);
  const ticks = (time: number): number => TRANSPORT_START + Math.round((time * TRANSPORT_CLOCK) / timescale);
  const shown = samples.map(({ decodeTime, compositionOffset }) => ticks(decodeTime + compositionOffset));
  const even = samples.map(({ decodeTime }) => ticks(decodeTime));
  const decoded = decodeTimesOf(shown, even, LEAST_STEP);
  const step = streamId === PICTURES ? 1 : SOUND_FRAMES;
  const all: Pes[] = [];
  for (let at = 0; at < samples.length; at += step) {
    const frames = samples.slice(at, at + step);
    const times = { pts: shown[at] ?? 0, dts: decoded[at] ?? 0, isSync: frames[0]?.isSync ?? false };
    all.push(pes(streamId, times, frames.flatMap(unitOf)));
  }
  return packets(streamType, index, all);
}
