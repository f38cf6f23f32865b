// ffmpeg as a player: every look is a run from that position, its clock is the timestamps that it gives.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { FRAME_RATE, numberOf, SAMPLE_RATE, squaresOf } from '../clock.ts';
import { type Look, NotPossible, type Opening, type Picture, type PlayerProgram, type Playing, type Sound } from '../player.ts';

const SIZE = { width: 320, height: 180 };
const WINDOW = 4_096;
const PICTURES = 12;
const DEADLINE_MS = 40_000;

class FfmpegPlayer implements Playing {
  #url = '';
  #positionS = 0;
  #audio = 0;
  #text: number | null = null;
  #isOpen = false;

  async open({ url, startS }: Opening): Promise<void> {
    this.#url = url;
    this.#positionS = startS;
    this.#isOpen = true;
    await this.#run(1);
  }

  /** What a scrub leaves behind is ended as a player ends it: at once. */
  async seek(positions: readonly number[], intervalMs: number): Promise<void> {
    for (const position of positions.slice(0, -1)) {
      this.#positionS = position;
      await this.#run(PICTURES, intervalMs);
    }
    this.#positionS = positions.at(-1) ?? 0;
  }

  async look(): Promise<Look> {
    return this.#run(PICTURES);
  }

  async pause(): Promise<void> {}

  async play(): Promise<void> {}

  async clockS(): Promise<number> {
    return this.#positionS;
  }

  async chooseAudio(index: number): Promise<void> {
    this.#audio = index;
  }

  async chooseText(index: number): Promise<void> {
    if (this.#url.includes('.m3u8')) throw new NotPossible('its HLS reader passes over subtitles');
    this.#text = index;
  }

  async texts(): Promise<{ clockS: number; texts: string[] }> {
    const clockS = Math.floor(this.#positionS) + 0.5;
    const args = ['-v', 'error', '-nostdin', '-copyts', '-i', this.#url, '-map', `0:s:${this.#text}`, '-f', 'srt', '-'];
    const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const blocks = (await text(child.stdout)).split('\n\n').map(block => block.split('\n'));
    const isShown = ([, times = '']: string[]): boolean => {
      const [from = 0, to = 0] = times.split(' --> ').map(secondsOf);
      return from <= clockS && clockS < to;
    };
    return { clockS, texts: blocks.filter(isShown).map(([, , ...lines]) => lines.join('\n')) };
  }

  async close(): Promise<void> {
    this.#isOpen = false;
  }

  /** Ended after `endAfterMs`, if given: then it has seen nothing. */
  async #run(pictures: number, endAfterMs: number | null = null): Promise<Look> {
    if (!this.#isOpen) throw new Error('nothing is open');
    // A seek to 0 is none, and ends up behind the first keyframe in a playlist.
    const seek = this.#positionS === 0 ? [] : ['-ss', String(this.#positionS)];
    const input = ['-v', 'info', '-nostdin', '-hide_banner', ...seek, '-copyts', '-i', this.#url];
    const picture = ['-map', '0:v:0', '-vf', `showinfo,scale=${SIZE.width}:${SIZE.height},format=gray`, '-frames:v', String(pictures)];
    const sound = ['-map', `0:a:${this.#audio}`, '-af', 'ashowinfo', '-frames:a', String(Math.ceil((WINDOW * 3) / 1_024)), '-ac', '1'];
    const child = spawn(
      'ffmpeg',
      [...input, ...picture, '-f', 'rawvideo', 'pipe:1', ...sound, '-ar', String(SAMPLE_RATE), '-f', 's16le', 'pipe:3'],
      { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
    );
    const deadline = setTimeout(() => child.kill('SIGKILL'), endAfterMs ?? DEADLINE_MS);
    const [gray, lines, pcm, [code]] = await Promise.all([
      buffer(child.stdout as Readable),
      text(child.stderr as Readable),
      buffer(child.stdio[3] as Readable),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    clearTimeout(deadline);
    if (endAfterMs !== null) return { pictures: [], sounds: [] };
    if (code !== 0) throw new Error(`ffmpeg ended with ${code ?? 'the deadline'}: ${lines.trim().split('\n').slice(-2).join(' ')}`);
    // Media time 0 stands at second ten of a transport stream: a player counts from where its stream begins.
    const startS = Number(/Duration: .*, start: ([\d.]+)/.exec(lines)?.[1] ?? 0);
    const fromStart = <T extends { readonly clockS: number }>(seen: T): T => ({ ...seen, clockS: seen.clockS - startS });
    return { pictures: picturesOf(gray, lines).map(fromStart), sounds: soundsOf(pcm, lines).map(fromStart) };
  }
}

function picturesOf(gray: Buffer, lines: string): Picture[] {
  const times = [...lines.matchAll(/\[Parsed_showinfo_0 .*? pts_time:(\S+)/g)].map(([, time]) => Number(time));
  const bytes = SIZE.width * SIZE.height;
  return Array.from({ length: Math.floor(gray.length / bytes) }, (_, at) => {
    const number = numberOf(squaresOf(gray.subarray(at * bytes, (at + 1) * bytes), SIZE));
    // A picture stands from its time on: the clock is in its middle.
    return { number, clockS: (times[at] ?? Number.NaN) + 0.5 / FRAME_RATE };
  });
}

function soundsOf(pcm: Buffer, lines: string): Sound[] {
  const from = Number(/\[Parsed_ashowinfo_0 .*? pts_time:(\S+)/.exec(lines)?.[1]);
  const samples = Float32Array.from({ length: Math.floor(pcm.length / 2) }, (_, at) => pcm.readInt16LE(at * 2) / 32_768);
  return Array.from({ length: Math.floor(samples.length / WINDOW) }, (_, at) => ({
    clockS: from + ((at + 0.5) * WINDOW) / SAMPLE_RATE,
    samples: samples.subarray(at * WINDOW, (at + 1) * WINDOW),
  }));
}

/** `00:01:02,500`. */
function secondsOf(time: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = time.replace(',', '.').split(':').map(Number);
  return hours * 3_600 + minutes * 60 + seconds;
}

export const startFfmpeg = async (): Promise<PlayerProgram> => ({ playing: () => new FfmpegPlayer(), end: async () => {} });
