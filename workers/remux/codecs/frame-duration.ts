// Samples in every frame of a track of sound, where its sample entry tells.
import { findBox } from '#workers/bmff/boxes.ts';
import { readAacConfig } from './audio-frames.ts';
import { AUDIO_ENTRY_CHILDREN } from './codec-strings.ts';
import { readElementaryStream } from './elementary-stream.ts';

/** Six blocks, in AC-3 always and in E-AC-3 by the rules of its packaging (ETSI TS 102 366, F.6.1). */
const AC3_FRAME = 1536;

/** Null where frames may differ. */
export function frameDurationOf(sampleEntry: Buffer): number | null {
  switch (sampleEntry.toString('latin1', 4, 8)) {
    case 'ac-3':
    case 'ec-3':
      return AC3_FRAME;
    case 'mp4a':
      return aacFrame(sampleEntry);
    default:
      return null;
  }
}

function aacFrame(sampleEntry: Buffer): number | null {
  const found = findBox(sampleEntry, ['esds'], AUDIO_ENTRY_CHILDREN);
  const stream = found && readElementaryStream(sampleEntry.subarray(found.start + 4, found.end));
  return (stream?.specific && readAacConfig(stream.specific)?.frameDuration) ?? null;
}
