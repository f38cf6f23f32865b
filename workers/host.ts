// The task that a thread runs for its whole life: answers requests on its port, owns the sessions of its media, resolves after a drain.
import { type MessagePort, threadId } from 'node:worker_threads';
import { FerriteError, toErrorRecord } from '#domain/errors.ts';
import {
  type Burnable,
  type FromWorker,
  type HostOptions,
  PROTOCOL_VERSION,
  type RequestHandlers,
  type Requests,
  type RequestType,
  type ToWorker,
} from '#domain/protocol.ts';
import type { RenditionKey } from '#domain/rendition.ts';
import type { ReadableText } from '#domain/subtitles/tracks.ts';
import { ffmpegEffect } from './encode/ffmpeg-process.ts';
import { WarmEncoders } from './encode/warm-encoders.ts';
import { HardwareUse } from './encoders/hardware-use.ts';
import { canConvertColours, listEncoders, measureSpeed } from './inspect/machine.ts';
import type { RunTool } from './programs/run-tool.ts';
import { SpawnerClient, toolRunner } from './programs/spawner-client.ts';
import { RemuxCache } from './remux/remux-cache.ts';
import { Sessions } from './sessions/sessions.ts';
import { SubtitleBurns } from './subtitles/burning/burns.ts';
import { SubtitleExtras } from './subtitles/extras.ts';
import { ExtractedFiles } from './subtitles/sources/extracted-files.ts';
import { SubtitleSources } from './subtitles/sources/sources.ts';
import { SubtitleTracks } from './subtitles/subtitle-tracks.ts';
import { tryEncoders } from './trials/encoder-trials.ts';

const VERSION_LIMITS = { deadlineMs: 10_000, maxOutputBytes: 64 * 1024 };

export default async function host(options: HostOptions): Promise<void> {
  const thread = new Host(options);
  await thread.drained;
}

class Host {
  readonly #port: MessagePort;
  readonly #begun: Int32Array;
  readonly #spawner: SpawnerClient;
  readonly #encoders: WarmEncoders;
  readonly #remux = new RemuxCache();
  readonly #sources: SubtitleSources;
  readonly #subtitles: SubtitleTracks;
  readonly #extras: SubtitleExtras;
  readonly #burns: SubtitleBurns;
  readonly #sessions: Sessions;
  readonly #handlers: RequestHandlers;
  readonly #running = new Map<number, AbortController>();
  readonly #drained = Promise.withResolvers<void>();
  readonly drained = this.#drained.promise;

  constructor(options: HostOptions) {
    this.#port = options.port;
    this.#begun = options.begun;
    this.#spawner = new SpawnerClient(options.spawnerSocketPath);
    const hardware = new HardwareUse(measurement => this.#send({ kind: 'measured', measurement }));
    const { ffmpegPath, maxWarmEncoders } = options;
    this.#encoders = new WarmEncoders({ spawner: this.#spawner, hardware, ffmpegPath, limit: maxWarmEncoders });
    const runTool = toolRunner(this.#spawner, { ffmpeg: options.ffmpegPath, ffprobe: options.ffprobePath });
    this.#sources = new SubtitleSources({ files: new ExtractedFiles(options.extracted), runTool });
    this.#subtitles = new SubtitleTracks({ sources: this.#sources });
    this.#extras = new SubtitleExtras(this.#sources);
    this.#burns = new SubtitleBurns(this.#sources, this.#subtitles);
    this.#sessions = new Sessions({
      ffmpeg: ffmpegEffect({
        spawner: this.#spawner,
        encoders: this.#encoders,
        remux: this.#remux,
        hardware,
        prepareBurning: (job, signal) => this.#burns.prepare(job, signal),
        ffmpegPath: options.ffmpegPath,
        publish: segment => this.#publish({ ...segment, isEncoded: true }),
        publishChunk: ({ key, index, bytes }) => this.#publishChunk(key, index, bytes),
        log: (message, detail) => this.#send({ kind: 'log', level: 'warn', message, detail }),
      }),
      remux: this.#remux,
      subtitles: this.#subtitles,
      onOpen: (offer, keyframes) => this.#encoders.expect(offer, keyframes),
      publish: segment => this.#publish({ ...segment, isEncoded: false, isBegun: false }),
      send: message => this.#send(message),
    });
    this.#handlers = {
      'tools.check': async () => ({
        ffmpeg: await versionOf('ffmpeg', runTool),
        ffprobe: await versionOf('ffprobe', runTool),
        canBurn: await burnable(runTool),
        readable: await readableText(runTool),
      }),
      'machine.encoders': async (_, signal) => ({ encoders: await listEncoders(runTool, signal) }),
      'machine.trials': async ({ software, hardware }, signal) => ({ trials: await tryEncoders({ runTool, software, hardware, signal }) }),
      'machine.colours': async (_, signal) => ({ canConvert: await canConvertColours(runTool, signal) }),
      'machine.measure': async (_, signal) => ({ pixelsPerCpuSecond: await measureSpeed(runTool, signal) }),
      'session.open': async input => ({ isOpen: this.#sessions.open(input) }),
      'session.close': input => this.#sessions.close(input),
      'session.describe': async ({ sessionId }) => this.#sessions.describe(sessionId),
      'segment.prepare': (input, signal) => this.#sessions.prepare(input, signal),
      'segment.locate': input => this.#sessions.locate(input),
      'subtitles.source': async (input, signal) => this.#extras.source(this.#sessions.viewed(input.sessionId), input.track, signal),
      'fonts.list': async (input, signal) => ({ fonts: await this.#extras.fonts(this.#sessions.viewed(input.sessionId), signal) }),
    };
    this.#port.on('message', (message: ToWorker) => this.#onMessage(message));
    this.#send({ kind: 'ready', version: PROTOCOL_VERSION, threadId });
  }

  #onMessage(message: ToWorker): void {
    switch (message.kind) {
      case 'request':
        Atomics.store(this.#begun, 0, message.id);
        void this.#answer(message.id, message.type, message.input);
        return;
      case 'cancel':
        this.#running.get(message.id)?.abort();
        return;
      case 'heartbeat':
        this.#sessions.heartbeat(message);
        return;
      case 'ahead-ended':
        this.#sessions.endAhead(message.sessionId);
        break;
      case 'overtaken':
        this.#sessions.overtaken(message);
        break;
      case 'sent':
        this.#sessions.sent(message);
        return;
      case 'covered':
        this.#sessions.covered(message);
        return;
      case 'ping':
        this.#send({ kind: 'pong', asked: message.asked });
        return;
      case 'drain':
        void this.#drain(message.deadlineMs);
        return;
    }
  }

  async #answer<T extends RequestType>(id: number, type: T, input: Requests[T]['input']): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      const output = await this.#handlers[type](input, controller.signal);
      this.#port.postMessage({ kind: 'reply', id, output } satisfies FromWorker, buffersOf(output));
    } catch (error) {
      if (!(error instanceof FerriteError))
        this.#send({ kind: 'log', level: 'error', message: 'a request failed unexpectedly', detail: describe(error, type) });
      this.#send({ kind: 'failure', id, error: toErrorRecord(error) });
    } finally {
      this.#running.delete(id);
    }
  }

  #publish(segment: Omit<Extract<FromWorker, { kind: 'segment' }>, 'kind' | 'bytes'> & { bytes: Buffer }): void {
    const bytes = ownBuffer(segment.bytes);
    this.#port.postMessage({ ...segment, kind: 'segment', bytes } satisfies FromWorker, [bytes]);
    this.#sessions.published(segment.key, segment.name);
  }

  #publishChunk(key: RenditionKey, index: number, chunk: Buffer): void {
    const bytes = ownBuffer(chunk);
    this.#port.postMessage({ kind: 'chunk', key, index, bytes } satisfies FromWorker, [bytes]);
  }

  #send(message: FromWorker): void {
    this.#port.postMessage(message);
  }

  async #drain(deadlineMs: number): Promise<void> {
    for (const controller of this.#running.values()) controller.abort();
    const deadline = new Promise<void>(resolve => setTimeout(resolve, deadlineMs).unref());
    await Promise.race([this.#sessions.closeAll(), deadline]);
    this.#encoders.close();
    this.#extras.close();
    this.#subtitles.close();
    this.#sources.close();
    this.#remux.close();
    await this.#spawner.close();
    this.#port.close();
    this.#drained.resolve();
  }
}

/** What is handed over to the main thread, not copied. */
function buffersOf(output: Requests[RequestType]['output']): ArrayBuffer[] {
  if (output === null) return [];
  return 'stretches' in output ? [output.head.buffer, output.stretches.buffer] : [];
}

async function burnable(runTool: RunTool): Promise<Burnable> {
  const ended = await runTool('ffmpeg', ['-hide_banner', '-filters'], VERSION_LIMITS).catch(() => null);
  const filters = new Set(Array.from((ended?.stdout.toString('utf8') ?? '').matchAll(/^ [A-Z.]{2,3} (\w+)/gm), ([, name]) => name));
  return { text: filters.has('ass'), pictures: filters.has('overlay') };
}

async function readableText(runTool: RunTool): Promise<ReadableText> {
  const ended = await runTool('ffmpeg', ['-hide_banner', '-decoders'], VERSION_LIMITS).catch(() => null);
  return { teletext: ended?.stdout.includes(' libzvbi_teletextdec ') ?? false };
}

/** Null when the program is not there or does not work. */
async function versionOf(tool: 'ffmpeg' | 'ffprobe', runTool: RunTool): Promise<string | null> {
  const ended = await runTool(tool, ['-hide_banner', '-version'], VERSION_LIMITS).catch(() => null);
  return ended?.exitCode === 0 ? (ended.stdout.toString('utf8').split('\n')[0] ?? '') : null;
}

/** The ArrayBuffer that holds exactly these bytes: what shares Node's pool must not be transferred. */
function ownBuffer(bytes: Buffer): ArrayBuffer {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) return buffer;
  return Uint8Array.from(bytes).buffer;
}

function describe(error: unknown, type: string): Record<string, unknown> {
  return error instanceof Error ? { type, name: error.name, stack: error.stack } : { type, error: String(error) };
}
