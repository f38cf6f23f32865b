// A segment of fragmented MP4 as one of a transport stream, for players that know no other: the same frames at the same times.
import { FerriteError } from '#domain/errors.ts';
import { TRANSPORT_CLOCK, TRANSPORT_START } from '#domain/presentation.ts';
import { type FragmentHeader, FragmentReader, type FragmentSample } from '#workers/bmff/fragments.ts';
import { accessUnits } from './access-units.ts';
import { type Pes, packets, pes } from './packets.ts';

export type FragmentedSegment = { readonly init: Uint8Array; readonly segment: Uint8Array; readonly index: number };

/** So much sooner than in CMAF, where offsets have a sign, is each picture decoded: six pictures of 24 a second, more than encoders reorder. */
const DECODED_EARLIER = TRANSPORT_CLOCK / 4;
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
  const isPicture = streamId >= 0xe0;
  const all: Pes[] = [];
  for (let at = 0; at < samples.length; at += isPicture ? 1 : SOUND_FRAMES) {
    const frames = samples.slice(at, at + (isPicture ? 1 : SOUND_FRAMES));
    const [first] = frames;
    if (first === undefined) break;
    const pts = ticks(first.decodeTime + first.compositionOffset);
    const dts = isPicture ? Math.min(pts, ticks(first.decodeTime) - DECODED_EARLIER) : pts;
    all.push(pes(streamId, { pts, dts, isSync: first.isSync }, frames.flatMap(unitOf)));
  }
  return packets(streamType, index, all);
}
