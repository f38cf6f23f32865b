// Cues as WebVTT: one segment of a track, or the whole. The clock is the film's: media time 0, which is tfdt 0, is 00:00:00.000 (docs/adr/0022).
import type { Cue } from './cue.ts';

/** RFC 8216, 3.5: how the times of cues relate to those of the media. */
const HEADER = 'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n';

export type Stretch = { readonly fromMs: number; readonly toMs: number };

/** A cue that crosses a boundary stands on both sides of it, with its own times; a segment without cues is valid too. */
export function cuesWithin(cues: readonly Cue[], { fromMs, toMs }: Stretch): Cue[] {
  return cues.filter(({ startMs, endMs }) => startMs < toMs && endMs > fromMs);
}

export const writeVtt = (cues: readonly Cue[]): Buffer => Buffer.from(HEADER + blocksOf(cues), 'utf8');

/** A file by itself, which says nothing of a stream's clock. */
export const vttOf = (cues: readonly Cue[]): Buffer => Buffer.from(`WEBVTT\n${blocksOf(cues)}`, 'utf8');

function blocksOf(cues: readonly Cue[]): string {
  const blocks = cues.map(({ startMs, endMs, text, settings }) => {
    const times = `${timestamp(startMs)} --> ${timestamp(endMs)}`;
    return `\n${settings === '' ? times : `${times} ${settings}`}\n${text}\n`;
  });
  return blocks.join('');
}

/** Moved to the film's clock. What ends before it begins is never shown; what has begun by then is shown from the beginning on. */
export function moved(cues: readonly Cue[], byMs: number): Cue[] {
  return cues
    .map(cue => ({ ...cue, startMs: Math.max(0, Math.round(cue.startMs + byMs)), endMs: Math.round(cue.endMs + byMs) }))
    .filter(({ startMs, endMs }) => endMs > startMs);
}

function timestamp(ms: number): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  const seconds = Math.floor(ms / 1000);
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':');
  return `${clock}.${String(ms % 1000).padStart(3, '0')}`;
}
