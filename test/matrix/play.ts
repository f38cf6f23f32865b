// One film by one delivery: every segment of its picture and its sound is fetched, decoded, and compared with what the film shows and says.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { base, type Client, type MediaItem, type Started } from '../support/client.ts';
import { shownFrames, soundStarts } from '../support/shown-frames.ts';
import { FRAME_RATE, SECONDS } from './films.ts';

export const DELIVERIES = ['direct', 'remux', 'transcode'] as const;
export type DeliveryName = (typeof DELIVERIES)[number];

export type Outcome =
  | { readonly kind: 'played'; readonly picture: string; readonly sound: string }
  | { readonly kind: 'refused'; readonly reasons: string }
  | { readonly kind: 'failed'; readonly why: string };

/** A player that takes all that there is: what is refused then can not be delivered to anybody. */
const EVERYTHING = {
  containers: ['mp4', 'matroska', 'webm', 'mpegts', 'avi', 'other'],
  videoCodecs: ['h264', 'hevc', 'vp9', 'av1', 'vp8', 'mpeg2video', 'mpeg4', 'wmv2', 'prores'],
  audioCodecs: ['aac', 'mp3', 'ac3', 'eac3', 'dts', 'truehd', 'opus', 'vorbis', 'flac', 'alac', 'pcm_s16le', 'pcm_s16be', 'pcm_dvd'],
};

const MAX_LATE_S = 0.15;
/** Of a codec's delay that its container does not tell, and a frame. */
const SOUND_TOLERANCE_S = 0.09;

/** What is wrong with a delivery; thrown, and told in the table. */
class Fault extends Error {}

export class Player {
  readonly #client: Client;
  readonly #scratch: string;

  constructor(client: Client, scratch: string) {
    this.#client = client;
    this.#scratch = scratch;
  }

  async play(film: MediaItem & { readonly path: string }, delivery: DeliveryName): Promise<Outcome> {
    const wish = { mediaId: film.id, delivery, startPositionMs: 0, client: { profile: 'web-chrome', capabilities: EVERYTHING } };
    const response = await this.#client.request('POST', '/api/v1/sessions', wish);
    if (response.status !== 201) {
      const { code, detail } = (await response.json()) as { code: string; detail: string };
      if (code !== 'MEDIA_UNSUPPORTED') return { kind: 'failed', why: `${response.status} ${code}: ${detail}` };
      return { kind: 'refused', reasons: detail.replace(/^.*: /, '') };
    }
    const session = (await response.json()) as Started;
    try {
      return await this.#watch(session, film, delivery);
    } catch (error) {
      if (error instanceof Fault) return { kind: 'failed', why: error.message };
      return {
        kind: 'failed',
        why:
          String(error instanceof Error ? error.message : error)
            .split('\n')[0]
            ?.replace(/\/stream\/[^/]*\/[^/]*\//, '') ?? '',
      };
    } finally {
      await this.#client.stop(session.sessionId);
    }
  }

  async #watch(session: Started, film: MediaItem & { path: string }, delivery: DeliveryName): Promise<Outcome> {
    if (Math.abs(session.durationMs - SECONDS * 1000) > MAX_LATE_S * 1000) throw new Fault(`lasts ${session.durationMs} ms`);
    if (delivery === 'direct') {
      const sent = createHash('sha256')
        .update(await this.#client.bytes(session.streamUrl))
        .digest('hex');
      if (sent !== (await hashOf(film.path))) throw new Fault('other bytes are sent than lie in the file');
      return { kind: 'played', picture: 'direct', sound: 'direct' };
    }
    const renditions = await this.#client.renditions(session);
    const pictures = renditions.filter(({ path }) => path.startsWith('video/'));
    const wanted = delivery === 'remux' ? 'video/original' : pictures[0]?.path;
    const main = (await this.#client.bytes(session.streamUrl)).toString();
    for (const { path, durationsS } of renditions) {
      const isSound = path.startsWith('audio/');
      if (!isSound && path !== wanted) continue;
      const listedS = durationsS.reduce((sum, duration) => sum + duration, 0);
      if (Math.abs(listedS - SECONDS) > MAX_LATE_S) throw new Fault(`${path} is listed with ${listedS.toFixed(3)} s`);
      const file = await this.#fetch(session, path, durationsS.length);
      await requireDecodable(path, file);
      await (isSound ? checkSound(path, file) : checkPicture(path, file));
      await rm(file);
    }
    const sounds = renditions.filter(({ path }) => path.startsWith('audio/')).map(({ path }) => codecsOf(main, path));
    return { kind: 'played', picture: delivery === 'remux' ? 'copied' : 'encoded', sound: [...new Set(sounds)].join(' + ') };
  }

  async #fetch(session: Started, path: string, count: number): Promise<string> {
    const parts = [await this.#client.bytes(`${base(session)}${path}/init.mp4`)];
    for (let index = 0; index < count; index++) parts.push(await this.#client.segment(session, path, index));
    const file = join(this.#scratch, `${session.sessionId}-${path.replaceAll('/', '-')}.mp4`);
    await writeFile(file, Buffer.concat(parts));
    return file;
  }
}

async function requireDecodable(path: string, file: string): Promise<void> {
  const { stderr, exitCode } = await execa('ffmpeg', ['-v', 'error', '-nostdin', '-i', file, '-f', 'null', '-'], { reject: false });
  if (exitCode !== 0 || stderr !== '') throw new Fault(`${path} does not decode cleanly: ${stderr.split('\n')[0]}`);
}

async function checkPicture(path: string, file: string): Promise<void> {
  const frames = await shownFrames(file);
  if (Math.abs(frames.length - SECONDS * FRAME_RATE) > 2) throw new Fault(`${path} has ${frames.length} pictures`);
  for (const { timeS, frame } of frames) {
    const wanted = timeS * FRAME_RATE;
    if (Math.abs(frame - wanted) > 1.1) throw new Fault(`${path} shows picture ${frame} at ${timeS}`);
  }
}

async function checkSound(path: string, file: string): Promise<void> {
  const starts = await soundStarts(file);
  for (let second = 1; second < SECONDS; second++) {
    const nearest = starts.reduce((best, start) => (Math.abs(start - second) < Math.abs(best - second) ? start : best), -1);
    if (Math.abs(nearest - second) > SOUND_TOLERANCE_S) throw new Fault(`${path}: the tone of second ${second} is heard at ${nearest}`);
  }
}

/** Copied, or encoded: what its variants say of the sound. */
function codecsOf(main: string, path: string): string {
  const media = main.split('\n').find(line => line.startsWith('#EXT-X-MEDIA') && line.includes(`"${path}/`)) ?? '';
  const group = /GROUP-ID="([^"]+)"/.exec(media)?.[1] ?? '';
  const variant = main.split('\n').find(line => line.startsWith('#EXT-X-STREAM-INF') && line.includes(`AUDIO="${group}"`)) ?? '';
  return /CODECS="([^"]+)"/.exec(variant)?.[1]?.split(',').at(-1) ?? group;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
