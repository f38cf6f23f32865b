// mpv over its own control socket: a screenshot for a picture, and the sound as it plays it, written to a file at its pace.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/processes.ts';
import { FRAME_S, numberOf, SAMPLE_RATE, squaresOf } from '../clock.ts';
import { type Look, NotPossible, type Opening, type Picture, type PlayerProgram, type Playing, type Sound } from '../player.ts';

const SIZE = { width: 320, height: 180 };
const WINDOW = 4_096;
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 250;
const BYTES_OF_FRAME = 4;
const DEADLINE_MS = 25_000;

type Track = { readonly id: number; readonly type: string };

class MpvPlayer implements Playing {
  readonly #socket: Socket;
  readonly #folder: string;
  readonly #waiting = new Map<number, (reply: { error: string; data?: unknown }) => void>();
  #lastId = 0;
  #failure = '';

  constructor(socket: Socket, folder: string) {
    this.#socket = socket;
    this.#folder = folder;
    createInterface({ input: socket }).on('line', line => {
      const message = JSON.parse(line) as {
        request_id?: number;
        error: string;
        data?: unknown;
        event?: string;
        reason?: string;
        file_error?: string;
      };
      if (message.event === 'end-file' && message.reason === 'error') this.#failure = `mpv: ${message.file_error ?? 'it cannot play that'}`;
      if (message.event === undefined) this.#waiting.get(message.request_id ?? 0)?.(message);
    });
  }

  async open({ url, startS }: Opening): Promise<void> {
    this.#failure = '';
    await this.#call('set_property', 'pause', false);
    // A start at 0 is a seek to what was read already, which its reader of playlists cannot do.
    await this.#call('loadfile', url, 'replace', startS === 0 ? '' : `start=${startS}`);
    await this.#arrived('the first picture');
  }

  async seek(positions: readonly number[], intervalMs: number): Promise<void> {
    for (const [at, position] of positions.entries()) {
      if (at > 0) await delay(intervalMs);
      await this.#call('seek', position, 'absolute+exact');
    }
    const target = positions.at(-1) ?? 0;
    await this.#arrived(`the seek to ${target}`, target);
  }

  async look(): Promise<Look> {
    const pictures: Picture[] = [];
    const sounds: Sound[] = [];
    for (let at = 0; at < LOOKS; at++) {
      const from = await this.clockS();
      await this.#until('the clock runs', async () => (await this.clockS()) > from + BETWEEN_LOOKS_MS / 1_000);
      const sound = await this.#sound();
      if (sound) sounds.push(sound);
      pictures.push(await this.#picture());
    }
    return { pictures, sounds };
  }

  async pause(): Promise<void> {
    await this.#call('set_property', 'pause', true);
  }

  async play(): Promise<void> {
    await this.#call('set_property', 'pause', false);
  }

  async clockS(): Promise<number> {
    return this.#get<number>('time-pos');
  }

  async chooseAudio(index: number): Promise<void> {
    await this.#choose('audio', 'aid', index);
  }

  async chooseText(index: number): Promise<void> {
    await this.#choose('sub', 'sid', index);
  }

  async texts(): Promise<{ clockS: number; texts: string[] }> {
    const text = await this.#get<string>('sub-text').catch(() => '');
    return { clockS: await this.clockS(), texts: text === '' ? [] : [text] };
  }

  async close(): Promise<void> {
    await this.#call('stop');
  }

  /** At rest, so that the clock is the picture's. */
  async #picture(): Promise<Picture> {
    await this.pause();
    const path = join(this.#folder, 'picture.jpg');
    await this.#call('screenshot-to-file', path, 'video');
    const clockS = (await this.clockS()) + FRAME_S / 2;
    await this.play();
    const scale = `scale=${SIZE.width}:${SIZE.height},format=gray`;
    const args = ['-v', 'error', '-nostdin', '-i', path, '-vf', scale, '-frames:v', '1', '-f', 'rawvideo', '-'];
    const gray = await buffer(spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'ignore'] }).stdout);
    return { clockS, number: numberOf(squaresOf(gray, SIZE)) };
  }

  /** The end of the file is what is heard now. */
  async #sound(): Promise<Sound | null> {
    const endS = await this.#get<number>('audio-pts').catch(() => null);
    if (endS === null) return null;
    const file = await open(join(this.#folder, 'sound.pcm'));
    try {
      const { size } = await file.stat();
      const end = size - (size % BYTES_OF_FRAME);
      if (end < WINDOW * BYTES_OF_FRAME) return null;
      const bytes = Buffer.alloc(WINDOW * BYTES_OF_FRAME);
      await file.read(bytes, 0, bytes.length, end - bytes.length);
      const samples = Float32Array.from({ length: WINDOW }, (_, at) => bytes.readInt16LE(at * BYTES_OF_FRAME) / 32_768);
      return { clockS: endS - WINDOW / 2 / SAMPLE_RATE, samples };
    } finally {
      await file.close();
    }
  }

  async #choose(type: string, property: string, index: number): Promise<void> {
    const track = (await this.#get<Track[]>('track-list')).filter(one => one.type === type)[index];
    if (!track) throw new NotPossible(`the player shows no such track (${type}): its HLS reader is that of ffmpeg`);
    await this.#call('set_property', property, track.id);
  }

  async #arrived(what: string, target: number | null = null): Promise<void> {
    await this.#until(what, async () => {
      if (this.#failure !== '') throw new Error(this.#failure);
      const [clock, seeking] = await Promise.all([this.clockS().catch(() => null), this.#get<boolean>('seeking').catch(() => true)]);
      return clock !== null && !seeking && (target === null || Math.abs(clock - target) < 1.5);
    });
    const from = await this.clockS();
    await this.#until(`the clock runs: ${what}`, async () => (await this.clockS()) > from);
  }

  #until(what: string, isSo: () => Promise<boolean>): Promise<true> {
    return until(what, isSo, DEADLINE_MS);
  }

  #get<T>(property: string): Promise<T> {
    return this.#call('get_property', property) as Promise<T>;
  }

  async #call(...command: unknown[]): Promise<unknown> {
    const id = ++this.#lastId;
    const reply = new Promise<{ error: string; data?: unknown }>(resolve => this.#waiting.set(id, resolve));
    this.#socket.write(`${JSON.stringify({ command, request_id: id })}\n`);
    const { error, data } = await reply;
    this.#waiting.delete(id);
    if (error !== 'success') throw new Error(`mpv: ${command[0]} ${command[1] ?? ''}: ${error}`);
    return data;
  }
}

export async function startMpv(): Promise<PlayerProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-mpv-'));
  const socketPath = join(folder, 'socket');
  const sound = ['--ao=pcm', `--ao-pcm-file=${join(folder, 'sound.pcm')}`, '--ao-pcm-waveheader=no'];
  const form = ['--audio-format=s16', `--audio-samplerate=${SAMPLE_RATE}`, '--audio-channels=stereo'];
  const args = ['--no-config', '--idle', '--vo=null', '--no-terminal', '--sid=no', ...sound, ...form, `--input-ipc-server=${socketPath}`];
  const child = spawn('mpv', args, { stdio: 'ignore' });
  const failed = once(child, 'error').then(([error]) => Promise.reject(error));
  const socket = await Promise.race([
    until(
      'mpv answers',
      () =>
        new Promise<Socket | null>(resolve => {
          const one = connect(socketPath, () => resolve(one));
          one.once('error', () => resolve(null));
        }),
    ),
    failed,
  ]);
  socket.on('error', () => {});
  return {
    playing: () => new MpvPlayer(socket, folder),
    end: async () => {
      socket.destroy();
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
