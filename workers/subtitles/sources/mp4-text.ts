// The text of MP4 that ffmpeg does not decode: WebVTT as boxes (`wvtt`) and TTML documents (`stpp`), a sample each (ISO/IEC 14496-30). Written as WebVTT.
import { setImmediate } from 'node:timers/promises';
import { FerriteError } from '#domain/errors.ts';
import type { Media } from '#domain/media.ts';
import { boxes } from '#workers/bmff/boxes.ts';
import { inputArguments } from '#workers/encode/input-arguments.ts';
import type { RunTool, RunToolOptions } from '#workers/programs/run-tool.ts';
import { type Cue, MAX_CUES } from '#workers/subtitles/cue.ts';
import { parseApart } from '#workers/subtitles/parsing.ts';
import { vttOf } from '#workers/subtitles/segments.ts';

const MIB = 1024 ** 2;
const MAX_TEXT_BYTES = 16 * MIB;
/** Of TTML that counts frames and does not say how many (TTML, 7.2.4). */
const TTML_RATE = { num: 30, den: 1 };
/** Times are rounded on the way. */
const SAME_MS = 2;

type Sample = { readonly startMs: number; readonly endMs: number; readonly bytes: Buffer };
type Film = Pick<Media, 'path' | 'byteLength'>;
type Track = { readonly streamIndex: number; readonly codec: string };

export const isMp4Text = (codec: string): boolean => codec === 'wvtt' || codec === 'stpp';

/** Times are those of the film's own clock. @throws MEDIA_UNREADABLE */
export async function extractMp4Text(film: Film, track: Track, tools: { runTool: RunTool; signal: AbortSignal }): Promise<Buffer> {
  const cues: Cue[] = [];
  const samples = await readSamples(film, track.streamIndex, tools);
  for (const sample of samples) {
    const found = track.codec === 'wvtt' ? cuesOfBoxes(sample) : await cuesOfDocument(sample, tools.signal);
    cues.push(...found.map(cue => within(cue, sample)).filter(({ startMs, endMs }) => endMs > startMs));
    if (cues.length > MAX_CUES) break;
    // There may be thousands, and sessions are served by this thread.
    await setImmediate();
  }
  return vttOf(joined(cues));
}

/** A sample is a cue for each `vttc`, which lasts as long as it does. */
function cuesOfBoxes({ startMs, endMs, bytes }: Sample): Cue[] {
  return [...boxes(bytes)]
    .filter(({ type }) => type === 'vttc')
    .map(({ start, end }) => {
      const parts = new Map([...boxes(bytes, start, end)].map(part => [part.type, bytes.toString('utf8', part.start, part.end)]));
      return { startMs, endMs, text: asBlock(parts.get('payl') ?? ''), settings: (parts.get('sttg') ?? '').replace(/\s+/g, ' ').trim() };
    })
    .filter(({ text }) => text !== '');
}

/** What would end a cue of a file does not: it is read as one. */
const asBlock = (text: string): string =>
  text
    .replace(/\r\n?/g, '\n')
    .replace(/\n\s*(?=\n)/g, '')
    .replaceAll('-->', '--&gt;')
    .trim();

/** Its times are those of the track. One that can not be read does not hide the others. */
async function cuesOfDocument({ bytes }: Sample, signal: AbortSignal): Promise<Cue[]> {
  try {
    return await parseApart(bytes, TTML_RATE, signal);
  } catch (error) {
    if (!(error instanceof FerriteError) || error.code !== 'MEDIA_UNREADABLE') throw error;
    return [];
  }
}

/** A document holds for as long as its sample lasts. */
const within = (cue: Cue, { startMs, endMs }: Sample): Cue => ({
  ...cue,
  startMs: Math.max(cue.startMs, startMs),
  endMs: Math.min(cue.endMs, endMs),
});

/** What was cut at the borders of samples becomes one cue again. */
function joined(cues: readonly Cue[]): Cue[] {
  const out: Cue[] = [];
  const last = new Map<string, number>();
  for (const cue of cues) {
    const key = `${cue.settings}\n${cue.text}`;
    const at = last.get(key);
    const before = at === undefined ? undefined : out[at];
    if (at !== undefined && before !== undefined && Math.abs(before.endMs - cue.startMs) <= SAME_MS)
      out[at] = { ...before, endMs: cue.endMs };
    else last.set(key, out.push(cue) - 1);
  }
  return out.toSorted((a, b) => a.startMs - b.startMs);
}

async function readSamples(
  film: Film,
  streamIndex: number,
  { runTool, signal }: { runTool: RunTool; signal: AbortSignal },
): Promise<Sample[]> {
  const bounds: RunToolOptions = {
    deadlineMs: Math.min(20 * 60_000, 60_000 + Math.ceil((film.byteLength * 1000) / (10 * MIB))),
    maxOutputBytes: MAX_TEXT_BYTES,
    limits: { addressSpaceBytes: 1024 * MIB, cpuSeconds: Math.min(5 * 60, 10 + Math.ceil(film.byteLength / (50 * MIB))) },
    signal,
  };
  const entries = ['-select_streams', String(streamIndex), '-show_entries', 'packet=pts_time,duration_time,size', '-of', 'csv=p=0'];
  const told = await runTool('ffprobe', ['-v', 'error', ...entries, ...inputArguments(film.path)], bounds);
  const common = ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error', '-copyts'];
  const output = ['-map', `0:${streamIndex}`, '-c', 'copy', '-f', 'data', 'pipe:1'];
  const whole = await runTool('ffmpeg', [...common, ...inputArguments(film.path), ...output], bounds);
  if (told.exitCode !== 0 || whole.exitCode !== 0) throw unreadable(told.stderrTail + whole.stderrTail);
  return cutUp(whole.stdout, told.stdout.toString('latin1'));
}

/** `rows`: when each sample is shown, for how long, and how many bytes it has. */
function cutUp(bytes: Buffer, rows: string): Sample[] {
  const found = [...rows.matchAll(/^(-?\d[\d.]*),([\d.]+|N\/A),(\d+)/gm)].map(([, start, duration, length]) => ({
    startMs: Math.round(Number(start) * 1000),
    durationMs: Number(duration) * 1000,
    byteLength: Number(length),
  }));
  let at = 0;
  const samples = found.map(({ startMs, durationMs, byteLength }, index) => {
    const untilNext = found[index + 1]?.startMs ?? Number.POSITIVE_INFINITY;
    const from = at;
    at += byteLength;
    return { startMs, endMs: durationMs > 0 ? Math.round(startMs + durationMs) : untilNext, bytes: bytes.subarray(from, at) };
  });
  if (at !== bytes.byteLength) throw unreadable(`${at} bytes of samples, of which ${bytes.byteLength} were read`);
  return samples;
}

const unreadable = (detail: string): FerriteError =>
  new FerriteError('MEDIA_UNREADABLE', 'the subtitles can not be read', { cause: new Error(detail) });
