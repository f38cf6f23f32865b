// Films of upright bars whose numbers are known, in any colour space; and the records of Dolby Vision and HDR10+, which ffmpeg can not write.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { box, boxes, u16, u32 } from '#workers/bmff/boxes.ts';
import { ffmpeg } from './media.ts';

const WIDTH = 320;
const HEIGHT = 180;
const RATE = 10;

/** Y′, Cb and Cr of a bar, in the film's own bits. */
export type Bar = readonly [luma: number, cb: number, cr: number];

export type BarFilm = {
  readonly bars: readonly Bar[];
  readonly bitDepth: 8 | 10;
  readonly seconds?: number;
  /** Of the encoder and the file. */
  readonly output: readonly string[];
};

export async function makeBarFilm(path: string, { bars, bitDepth, seconds = 4, output }: BarFilm): Promise<void> {
  const frame = barFrame(bars, bitDepth);
  const raw = `${path}.yuv`;
  await writeFile(raw, Buffer.concat(Array.from({ length: seconds * RATE }, () => frame)));
  const format = bitDepth === 8 ? 'yuv420p' : 'yuv420p10le';
  const picture = ['-f', 'rawvideo', '-pix_fmt', format, '-s', `${WIDTH}x${HEIGHT}`, '-r', String(RATE), '-i', raw];
  const sound = ['-f', 'lavfi', '-i', `sine=f=440:r=48000:d=${seconds}`, '-c:a', 'aac', '-ac', '2'];
  await ffmpeg(...picture, ...sound, ...output, path);
  await rm(raw);
}

function barFrame(bars: readonly Bar[], bitDepth: 8 | 10): Buffer {
  const planes = [0, 1, 2].map(plane => {
    const [width, height] = plane === 0 ? [WIDTH, HEIGHT] : [WIDTH / 2, HEIGHT / 2];
    const row = Array.from({ length: width }, (_, x) => bars[Math.floor((x * bars.length) / width)]?.[plane] ?? 0);
    const bytes = bitDepth === 8 ? Buffer.from(row) : Buffer.concat(row.map(value => Buffer.of(value & 0xff, value >> 8)));
    return Buffer.concat(Array.from({ length: height }, () => bytes));
  });
  return Buffer.concat(planes);
}

/** Mean Y′, Cb and Cr in the middle of each bar of a picture, in 8 bits, whatever its size; and what the stream says of its colours. */
export async function readBars(path: string, count: number): Promise<{ bars: Bar[]; facts: Record<string, string> }> {
  const probed = await execa('ffprobe', ['-v', 'error', '-select_streams', 'v:0', '-show_streams', '-of', 'json', path]);
  const [stream] = (JSON.parse(probed.stdout) as { streams: Record<string, string | number>[] }).streams;
  const [width, height] = [Number(stream?.width), Number(stream?.height)];
  const args = ['-v', 'error', '-i', path, '-frames:v', '1', '-pix_fmt', 'yuv444p', '-f', 'rawvideo', 'pipe:1'];
  const { stdout } = await execa('ffmpeg', args, { encoding: 'buffer' });
  const bars = Array.from({ length: count }, (_, bar): Bar => {
    const [from, to] = [0.35, 0.65].map(part => Math.round(((bar + part) * width) / count)) as [number, number];
    const mean = (plane: number): number => {
      let sum = 0;
      const rows = [Math.round(height * 0.3), Math.round(height * 0.7)] as const;
      for (let y = rows[0]; y < rows[1]; y++) for (let x = from; x < to; x++) sum += stdout[plane * width * height + y * width + x] ?? 0;
      return sum / ((rows[1] - rows[0]) * (to - from));
    };
    return [mean(0), mean(1), mean(2)];
  });
  const { pix_fmt, profile, color_range, color_space, color_transfer, color_primaries } = stream ?? {};
  const facts = { pix_fmt, profile, color_range, color_space, color_transfer, color_primaries };
  return { bars, facts: Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, String(value)])) };
}

export type DolbyVisionRecord = {
  readonly profile: number;
  readonly level: number;
  readonly compatibility: number;
  readonly hasEnhancementLayer?: boolean;
};

/** Dolby Vision streams within ISO BMFF, 3.2. */
export function dolbyVisionRecord({ profile, level, compatibility, hasEnhancementLayer = false }: DolbyVisionRecord): Buffer {
  const record = Buffer.alloc(24);
  record[0] = 1;
  const [hasMetadata, hasBaseLayer] = [1, 1];
  record.writeUInt16BE((profile << 9) | (level << 3) | (hasMetadata << 2) | (Number(hasEnhancementLayer) << 1) | hasBaseLayer, 2);
  record[4] = compatibility << 4;
  return record;
}

/** The light of the test's screen and film, as boxes: 1000 candela, MaxCLL 1000, MaxFALL 400. */
export const LIGHT_BOXES: readonly Buffer[] = [
  box('mdcv', u16(13_250, 34_500, 7_500, 3_000, 34_000, 16_000, 15_635, 16_450), u32(10_000_000, 50)),
  box('clli', u16(1_000, 400)),
];

/** An MP4 with its index at the end, written anew with these boxes in its video's sample entry, which may get another name. */
export async function addBoxes(from: string, to: string, added: readonly Buffer[], format: string): Promise<void> {
  const file = await readFile(from);
  const bytes = Buffer.concat(added);
  const path = videoEntryPath(file);
  const entry = path.at(-1);
  if (!entry || file.indexOf('mdat', 0, 'latin1') > (path[0]?.start ?? 0)) throw new Error('no MP4 with its index behind its samples');
  for (const { headerStart } of path) file.writeUInt32BE(file.readUInt32BE(headerStart) + bytes.byteLength, headerStart);
  file.write(format, entry.headerStart + 4, 'latin1');
  await writeFile(to, Buffer.concat([file.subarray(0, entry.end), bytes, file.subarray(entry.end)]));
}

/** The record of Dolby Vision, and whatever else, in the sample entry, which may get another name. */
export const addDolbyVision = (
  from: string,
  to: string,
  facts: DolbyVisionRecord,
  { format = 'hvc1', others = [] as readonly Buffer[] } = {},
): Promise<void> => addBoxes(from, to, [...others, box(facts.profile > 7 ? 'dvvC' : 'dvcC', dolbyVisionRecord(facts))], format);

function videoEntryPath(file: Buffer) {
  const child = (type: string, start: number, end: number) => [...boxes(file, start, end)].find(box => box.type === type);
  const moov = child('moov', 0, file.byteLength);
  for (const trak of moov ? [...boxes(file, moov.start, moov.end)].filter(({ type }) => type === 'trak') : []) {
    const path = [moov, trak];
    for (const type of ['mdia', 'minf', 'stbl', 'stsd']) {
      const parent = path.at(-1);
      const next = parent && child(type, parent.start, parent.end);
      if (next) path.push(next);
    }
    const descriptions = path.at(-1);
    const entry = descriptions && [...boxes(file, descriptions.start + 8, descriptions.end)][0];
    if (entry && ['hvc1', 'hev1', 'avc1'].includes(entry.type)) return [...path, entry].filter(box => box !== undefined);
  }
  return [];
}

/** HDR10+ of the simplest kind (SMPTE ST 2094-40, one window) as a prefix SEI before the first picture of an HEVC byte stream. */
export async function addHdr10Plus(from: string, to: string): Promise<void> {
  const stream = await readFile(from);
  const payload = Buffer.from('b5003c000104', 'hex');
  const fields = bits([
    [1, 8], // application version
    [1, 2], // windows
    [400, 27], // targeted system display maximum luminance
    [0, 1], // no luminance of that display
    ...Array.from({ length: 3 }, () => [10_000, 17] as const), // maxscl
    [5_000, 17], // average
    [1, 4], // percentiles
    [50, 7],
    [5_000, 17],
    [0, 10], // bright pixels
    [0, 1], // no luminance of the mastering display
    [0, 1], // no tone mapping
    [0, 1], // no colour saturation mapping
  ]);
  const message = Buffer.concat([payload, fields]);
  const unit = Buffer.concat([Buffer.from([39 << 1, 1, 4, message.byteLength]), message, Buffer.of(0x80)]);
  const escaped = Buffer.from(
    unit
      .toString('hex')
      .replace(/(..)/g, '$1 ')
      .trim()
      .replace(/\b00 00 0([0-3])\b/g, '00 00 03 0$1')
      .replaceAll(' ', ''),
    'hex',
  );
  const at = firstPicture(stream);
  await writeFile(to, Buffer.concat([stream.subarray(0, at), Buffer.from([0, 0, 0, 1]), escaped, stream.subarray(at)]));
}

function bits(fields: readonly (readonly [value: number, count: number])[]): Buffer {
  const text = fields.map(([value, count]) => value.toString(2).padStart(count, '0')).join('');
  return Buffer.from((text.padEnd(Math.ceil(text.length / 8) * 8, '0').match(/.{8}/g) ?? []).map(byte => Number.parseInt(byte, 2)));
}

/** Where the start code of the first unit with a picture stands. */
function firstPicture(stream: Buffer): number {
  for (let at = stream.indexOf('000001', 0, 'hex'); at !== -1; at = stream.indexOf('000001', at + 3, 'hex')) {
    if ((((stream[at + 3] ?? 0xff) >> 1) & 0x3f) < 32) return stream[at - 1] === 0 ? at - 1 : at;
  }
  throw new Error('no picture in it');
}

/** Light as a part of 10 000 candela a square metre → PQ's signal (SMPTE ST 2084). */
export function pqSignal(nits: number): number {
  const [m1, m2, c1, c2, c3] = [2610 / 16384, (2523 / 4096) * 128, 3424 / 4096, (2413 / 4096) * 32, (2392 / 4096) * 32];
  const power = (nits / 10_000) ** m1;
  return ((c1 + c2 * power) / (1 + c3 * power)) ** m2;
}

/** What a plain screen is sent for a grey of so much light: pressed together above 0.3 of white (203 candela), below the same, and BT.1886. */
export function plainGrey(nits: number, peakNits: number): number {
  const [light, peak, knee] = [nits / 203, peakNits / 203, 0.3];
  const a = (-knee * knee * (peak - 1)) / (knee * knee - 2 * knee + peak);
  const b = (knee * knee - 2 * knee * peak + peak) / (peak - 1);
  const pressed = light <= knee ? light : ((b * b + 2 * b * knee + knee * knee) / (b - a)) * ((light + a) / (light + b));
  return 16 + 219 * pressed ** (1 / 2.4);
}

export const limited10 = (signal: number): number => Math.round(64 + 876 * signal);
