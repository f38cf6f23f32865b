// One place of a film encoded at several rungs and not kept: its bits are counted.
import { FerriteError } from '#domain/errors.ts';
import type { KeyframeMap } from '#domain/media.ts';
import { AAC_FRAME, boundaryAt, ENCODED_AUDIO_RATE, frameTicks, type Grid } from '#domain/plan.ts';
import type { AudioEncode, VideoEncode } from '#domain/rendition.ts';
import { fragmentHeadByteLength } from '#workers/bmff/boxes.ts';
import { pictureFilters, pictureInput, soundEncoder, UNBOUND_PICTURE_ENCODER } from '#workers/encode/encoder-arguments.ts';
import { seekTo } from '#workers/encode/file-arguments.ts';
import { inputArguments } from '#workers/encode/input-arguments.ts';
import { processorSeconds } from '#workers/programs/processor-seconds.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';

export type Probe = {
  readonly path: string;
  readonly keyframes: KeyframeMap;
  readonly grid: Grid;
  readonly index: number;
  readonly rungs: readonly VideoEncode[];
  readonly sounds: readonly AudioEncode[];
};

export type Counted = {
  readonly bits: number;
  readonly keyframeBits: number;
  readonly seconds: number;
};
export type ProbeResult = { readonly pictures: readonly Counted[]; readonly sounds: readonly Counted[]; readonly cpuSeconds: number };

const DEADLINE_MS = 300_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
/** Pictures of 8K, decoded and scaled six times. */
const LIMITS = { dataBytes: 4 * 1024 ** 3, cpuSeconds: 60, priority: 'background' } as const;
/** More than any segment of a quick start has; of a longer one, these stand for the rest. */
const MOST_SECONDS = 2;
/**
 * Encoded before the place and behind it, and not counted: x264 makes the first keyframe of an encode without knowing what its pictures
 * take, coarser than it would be within one, by a fifth to a third; and the last pictures without those that would refer to them. With these,
 * four places of a film that stands still for its first half had 0.989 to 0.995 of their bits in an encode of the whole.
 */
const AROUND_FRAMES = 12;

/** @throws MEDIA_UNREADABLE where nothing can be decoded, as the tool runner does where it takes too long */
export async function probePlace(probe: Probe, runTool: RunTool): Promise<ProbeResult> {
  const frames = framesOf(probe);
  const { exitCode, stdout, stderrTail } = await runTool('ffmpeg', probeArguments(probe, frames), {
    deadlineMs: DEADLINE_MS,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    limits: LIMITS,
  });
  if (exitCode !== 0) throw new FerriteError('MEDIA_UNREADABLE', 'the film can not be encoded there');
  const sizes = packetSizes(stdout.toString('latin1'));
  const { rungs, sounds, grid, index } = probe;
  const lead = leadOf(probe);
  const segmentS = (boundaryAt(grid, index + 1) - boundaryAt(grid, index)) / grid.timescale;
  const pictures = rungs.map(({ frameRate }, at) =>
    counted((sizes.get(at) ?? []).slice(lead, lead + frames), (frames * frameRate.den) / frameRate.num, segmentS),
  );
  if (pictures.some(({ bits }) => bits === 0)) throw new FerriteError('MEDIA_UNREADABLE', 'the film has no picture there');
  return {
    pictures,
    sounds: sounds.map((_, at) => countedSound(sizes.get(rungs.length + at) ?? [])),
    cpuSeconds: processorSeconds(stderrTail),
  };
}

/** In decoding order too all that comes before the place's keyframe. */
const leadOf = ({ grid, index }: Probe): number => (boundaryAt(grid, index) > 0 ? AROUND_FRAMES : 0);

function framesOf({ grid, index, rungs }: Probe): number {
  const frameRate = rungs[0]?.frameRate ?? { num: 25, den: 1 };
  const frames = Math.round((boundaryAt(grid, index + 1) - boundaryAt(grid, index)) / frameTicks(grid.timescale, frameRate));
  return Math.max(1, Math.min(frames, Math.round((MOST_SECONDS * frameRate.num) / frameRate.den)));
}

function probeArguments(probe: Probe, frames: number): string[] {
  const { path, keyframes, grid, index, rungs, sounds } = probe;
  const [first] = rungs;
  if (!first) throw new FerriteError('INTERNAL', 'a place is encoded at a rung at least');
  const lead = leadOf(probe);
  const start = boundaryAt(grid, index) - lead * frameTicks(grid.timescale, first.frameRate);
  const startS = start / grid.timescale;
  const soundFrames = Math.ceil((MOST_SECONDS * ENCODED_AUDIO_RATE) / AAC_FRAME);
  return [
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'info', '-benchmark', '-copyts', '-threads', '1'],
    ...seekTo({ rendition: first, keyframes, grid: { ...grid, boundaries: [start] }, firstIndex: 0 }),
    ...pictureInput(first),
    ...inputArguments(path),
    ...rungs.flatMap((rung, at) => [
      ...['-map', `0:${rung.streamIndex}`, `-filter:v:${at}`],
      ...[
        [`setpts=PTS-${keyframes.video.originPts}`, ...pictureFilters(rung, startS)].join(','),
        `-frames:v:${at}`,
        String(lead + frames + AROUND_FRAMES),
      ],
      ...[`-force_key_frames:v:${at}`, `expr:eq(n,${lead})+eq(n,${lead + frames})`],
    ]),
    ...UNBOUND_PICTURE_ENCODER,
    ...['-threads:v', '1'],
    ...sounds.flatMap((sound, at) => ['-map', `0:${sound.streamIndex}`, ...ofStream(soundEncoder(sound), `a:${at}`)]),
    ...sounds.flatMap((_, at) => [`-frames:a:${at}`, String(soundFrames)]),
    ...['-sn', '-dn', '-map_chapters', '-1', '-f', 'framecrc', 'pipe:1'],
  ];
}

/** The same options, for one stream of an output alone. */
const ofStream = (options: readonly string[], stream: string): string[] =>
  options.map(option => (/^-[a-z]/.test(option) ? `${option.replace(/:.*/, '')}:${stream}` : option));

/** Bytes of each packet, by stream: `0,  512,  1024,  512,  2212, 0x39e41a8e`. */
function packetSizes(text: string): Map<number, number[]> {
  const sizes = new Map<number, number[]>();
  for (const [, stream, size] of text.matchAll(/^(\d+),[^,]*,[^,]*,[^,]*, *(\d+),/gm)) {
    const list = sizes.get(Number(stream)) ?? [];
    list.push(Number(size));
    sizes.set(Number(stream), list);
  }
  return sizes;
}

/** As a segment of `segmentS`: what follows the keyframe goes on for as long. */
function counted(sizes: readonly number[], seconds: number, segmentS: number): Counted {
  const [first = 0, ...rest] = sizes;
  const others = (rest.reduce((sum, size) => sum + size, 0) * segmentS) / seconds;
  const head = fragmentHeadByteLength(Math.round((sizes.length * segmentS) / seconds));
  return { bits: 8 * (first + others + head), keyframeBits: 8 * first, seconds: segmentS };
}

function countedSound(sizes: readonly number[]): Counted {
  // The first is priming.
  const frames = sizes.slice(1);
  const bytes = frames.reduce((sum, size) => sum + size, 0) + (frames.length > 0 ? fragmentHeadByteLength(frames.length) : 0);
  return { bits: 8 * bytes, keyframeBits: 0, seconds: (frames.length * AAC_FRAME) / ENCODED_AUDIO_RATE };
}
