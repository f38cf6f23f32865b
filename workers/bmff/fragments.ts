// Reads the fragmented MP4 that ffmpeg writes to a pipe, box by box, into samples with times: no disk, no polling, no muxer's idea of segments.
import { FerriteError } from '#domain/errors.ts';
import { boxes, findBox } from './boxes.ts';

/** One encoded or copied frame; times in ffmpeg's track timescale. */
export type FragmentSample = {
  readonly decodeTime: number;
  readonly compositionOffset: number;
  readonly duration: number;
  readonly isSync: boolean;
  readonly bytes: Buffer;
};

export type FragmentHeader = {
  readonly timescale: number;
  /** The whole stsd entry, with the decoder's configuration inside. */
  readonly sampleEntry: Buffer;
};

export type FragmentHandlers = {
  readonly onHeader: (header: FragmentHeader) => void;
  readonly onSample: (sample: FragmentSample) => void;
};

// Far above any real box of a one-frame fragment; a stream with a larger box is not in the format that ffmpeg was asked for.
const MAX_BOX_BYTES = 256 * 1024 * 1024;
// ffmpeg is asked for one frame a fragment.
const MAX_RUN_SAMPLES = 10_000;
const SAMPLE_IS_NON_SYNC = 0x0001_0000;

/** Push bytes in as they arrive; whole samples come out. Throws ENCODE_FAILED when the bytes are no fragmented MP4. */
export class FragmentReader {
  readonly #handlers: FragmentHandlers;
  #chunks: Buffer[] = [];
  #available = 0;
  #wanted = 8;
  #samples: Omit<FragmentSample, 'bytes'>[] = [];
  #sizes: number[] = [];

  constructor(handlers: FragmentHandlers) {
    this.#handlers = handlers;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#available += chunk.byteLength;
    while (this.#available >= this.#wanted) {
      const bytes = this.#joined();
      const size = boxByteLength(bytes);
      if (size > this.#available) {
        this.#wanted = size;
        return;
      }
      reading(() => this.#consume(bytes.toString('latin1', 4, 8), bytes.subarray(0, size)));
      this.#chunks = [bytes.subarray(size)];
      this.#available -= size;
      this.#wanted = 8;
    }
  }

  /** Throws ENCODE_FAILED when the output stopped in the middle of something. */
  end(): void {
    if (this.#available > 0) throw new FerriteError('ENCODE_FAILED', 'the output of the encoder is cut off');
  }

  #joined(): Buffer {
    const [only] = this.#chunks;
    const bytes = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks, this.#available);
    this.#chunks = [bytes];
    return bytes;
  }

  #consume(type: string, box: Buffer): void {
    if (type === 'moov') this.#handlers.onHeader(readHeader(box));
    else if (type === 'moof') this.#readFragment(box);
    else if (type === 'mdat') this.#deliver(box.subarray(8));
  }

  #readFragment(moof: Buffer): void {
    this.#samples = [];
    this.#sizes = [];
    const traf = findBox(moof, ['moof', 'traf']);
    if (!traf) return;
    const defaults = readTrackFragmentHeader(moof, traf);
    const tfdt = findBox(moof, ['tfdt'], traf.start, traf.end);
    let decodeTime = tfdt ? readDecodeTime(moof, tfdt.start) : 0;
    for (const trun of boxes(moof, traf.start, traf.end)) {
      if (trun.type === 'trun') decodeTime = this.#readRun(moof, trun.start, decodeTime, defaults);
    }
  }

  #readRun(moof: Buffer, start: number, startTime: number, defaults: Defaults): number {
    const flags = moof.readUInt32BE(start) & 0xffffff;
    const count = moof.readUInt32BE(start + 4);
    if (count > MAX_RUN_SAMPLES) throw new FerriteError('ENCODE_FAILED', 'the encoder wrote a fragment of too many frames');
    let at = start + 8 + (flags & 0x1 ? 4 : 0);
    const firstFlags = flags & 0x4 ? moof.readUInt32BE(at) : null;
    if (firstFlags !== null) at += 4;
    let decodeTime = startTime;
    const next = (): number => {
      at += 4;
      return moof.readUInt32BE(at - 4);
    };
    for (let index = 0; index < count; index++) {
      const duration = flags & 0x100 ? next() : defaults.duration;
      const size = flags & 0x200 ? next() : defaults.size;
      const own = flags & 0x400 ? next() : index === 0 && firstFlags !== null ? firstFlags : defaults.flags;
      const compositionOffset = flags & 0x800 ? next() | 0 : 0;
      this.#samples.push({ decodeTime, compositionOffset, duration, isSync: (own & SAMPLE_IS_NON_SYNC) === 0 });
      this.#sizes.push(size);
      decodeTime += duration;
    }
    return decodeTime;
  }

  #deliver(data: Buffer): void {
    let at = 0;
    this.#samples.forEach((sample, index) => {
      const end = at + (this.#sizes[index] ?? 0);
      if (end > data.byteLength) throw new FerriteError('ENCODE_FAILED', 'the encoder wrote a fragment shorter than it says');
      this.#handlers.onSample({ ...sample, bytes: data.subarray(at, end) });
      at = end;
    });
    this.#samples = [];
  }
}

type Defaults = { readonly duration: number; readonly size: number; readonly flags: number };

/** A field that lies outside its box is as little MP4 as a box of no size. */
function reading(read: () => void): void {
  try {
    read();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new FerriteError('ENCODE_FAILED', 'the encoder wrote a box that is cut off', { cause });
  }
}

function boxByteLength(bytes: Buffer): number {
  const size = bytes.readUInt32BE(0);
  if (size < 8 || size > MAX_BOX_BYTES) throw new FerriteError('ENCODE_FAILED', 'the encoder wrote something that is not MP4');
  return size;
}

function readHeader(moov: Buffer): FragmentHeader {
  const media = findBox(moov, ['moov', 'trak', 'mdia']);
  const mdhd = media && findBox(moov, ['mdhd'], media.start, media.end);
  const stsd = media && findBox(moov, ['minf', 'stbl', 'stsd'], media.start, media.end);
  if (!mdhd || !stsd) throw new FerriteError('ENCODE_FAILED', 'the encoder wrote a header without a track');
  const timescale = moov.readUInt32BE(mdhd.start + (moov[mdhd.start] === 1 ? 20 : 12));
  return { timescale, sampleEntry: Buffer.from(moov.subarray(stsd.start + 8, stsd.end)) };
}

function readTrackFragmentHeader(moof: Buffer, traf: { start: number; end: number }): Defaults {
  const tfhd = findBox(moof, ['tfhd'], traf.start, traf.end);
  if (!tfhd) return { duration: 0, size: 0, flags: 0 };
  const flags = moof.readUInt32BE(tfhd.start) & 0xffffff;
  let at = tfhd.start + 8 + (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0);
  const take = (bit: number): number => {
    if (!(flags & bit)) return 0;
    at += 4;
    return moof.readUInt32BE(at - 4);
  };
  return { duration: take(0x8), size: take(0x10), flags: take(0x20) };
}

function readDecodeTime(moof: Buffer, start: number): number {
  return moof[start] === 1 ? Number(moof.readBigInt64BE(start + 4)) : moof.readUInt32BE(start + 4);
}
