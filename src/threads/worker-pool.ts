// The session host threads: one port and one never-ending task each, media → thread by rendezvous hash, lost threads replaced.
import { availableParallelism } from 'node:os';
import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { FerriteError } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import type { HostOptions, Requests, RequestType } from '#domain/protocol.ts';
import { WaitingRoom, within } from '#domain/sharing/waiting.ts';
import { Emitter } from '#src/events.ts';
import { HeldMedia } from './held-media.ts';
import { HostThread } from './host-thread.ts';
import type { HostEvents, HostNumber, MediaHosts, Notification } from './media-hosts.ts';

export type WorkerPoolOptions = {
  readonly threads: number;
  readonly host: Omit<HostOptions, 'port' | 'begun'>;
  /** The program of a thread; by default the product's. */
  readonly program?: URL;
  /** Told of each answer that a viewer may wait for. */
  readonly onAwaited?: (answer: Promise<unknown>) => void;
};

export const defaultThreads = (): number => Math.max(1, availableParallelism() - 1);

/** At the server's start no viewer waits yet: the start fails instead of trying on. */
const START_DEADLINE_MS = 60_000;
/** A replacement is waited for as long as it takes, but not for ever. */
const REPLACEMENT_DEADLINE_MS = 5 * 60_000;
const CLOSE_DEADLINE_MS = 5_000;
const REPLACE_DELAY_MS = 200;

/** Requests that read a media file: what may come of them is not asked for again where the media is held back. */
const MAY_STALL: ReadonlySet<RequestType> = new Set([
  'session.open',
  'segment.prepare',
  'segment.locate',
  'subtitles.source',
  'fonts.list',
]);

export class WorkerPool implements MediaHosts {
  readonly events = new Emitter<HostEvents>();
  readonly #options: WorkerPoolOptions;
  readonly #pool: Piscina;
  readonly #threads: HostThread[] = [];
  readonly #held = new HeldMedia();
  readonly #waits = new WaitingRoom<void>();
  #isClosing = false;

  /** No thread runs before `start`, so that listeners miss no event. */
  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#pool = new Piscina({
      filename: (options.program ?? new URL('../../workers/host.ts', import.meta.url)).href,
      minThreads: options.threads,
      // One that was ended may take its time to be gone: its replacement does not wait for that.
      maxThreads: 2 * options.threads,
      concurrentTasksPerWorker: 1,
      // The default puts a thread to sleep between tasks, timers and all.
      atomics: 'disabled',
    });
    // An error of a thread between two tasks; unheard it would end the process.
    this.#pool.on('error', error => this.events.emit('lost', error));
  }

  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.threads }, (_, slot) => this.#startThread(slot, START_DEADLINE_MS)));
  }

  request<T extends RequestType>(type: T, input: Requests[T]['input'], signal?: AbortSignal): Promise<Requests[T]['output']> {
    if (this.#isClosing) return Promise.reject(new FerriteError('DRAINING', 'the server is shutting down'));
    const thread = this.#threads[this.#slotOf(input.mediaId)];
    if (!thread) return Promise.reject(new FerriteError('WORKER_LOST', 'the session host is being replaced'));
    try {
      if (MAY_STALL.has(type)) this.#held.requireFree(input.mediaId);
    } catch (error) {
      return Promise.reject(error);
    }
    const answer = thread.request(type, input, signal);
    if (MAY_STALL.has(type)) this.#options.onAwaited?.(answer);
    return answer;
  }

  notify(mediaId: MediaId, message: Notification): void {
    this.#threads[this.#slotOf(mediaId)]?.post(message);
  }

  get isReady(): boolean {
    return this.#threads.filter(Boolean).length === this.#options.threads;
  }

  owns(host: HostNumber, mediaId: MediaId): boolean {
    return this.#slotOf(mediaId) === host;
  }

  async whenReady(deadlineMs: number): Promise<void> {
    if (!this.isReady) await this.#waits.enter('all', undefined, { deadline: { ms: deadlineMs, error: lost } }).promise;
  }

  /** Lets every thread end its encodes, then closes the pool; threads that take longer than the deadline are cut off. */
  async close(deadlineMs: number): Promise<void> {
    this.#isClosing = true;
    const drained = Promise.all(this.#threads.map(thread => thread?.drain(deadlineMs)));
    await within(deadlineMs + 1_000, drained);
    await within(CLOSE_DEADLINE_MS, this.#pool.destroy());
  }

  /** Resolves when the thread has its slot. */
  async #startThread(slot: number, deadlineMs: number): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    const begun = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const options: HostOptions = { ...this.#options.host, port: port2, begun };
    const task = this.#pool.run(options, { transferList: [port2] });
    const thread = new HostThread({ port: port1, begun, events: this.events, onStalled: () => this.#onStall(slot, thread) });
    task.then(
      () => thread.lose(),
      error => this.#onDeath(slot, thread, error),
    );
    if (await within(deadlineMs, thread.ready)) {
      this.#threads[slot] = thread;
      return;
    }
    // Should the thread be ready after all, its message is ignored.
    thread.lose();
    throw lost();
  }

  /** It runs, but answers nobody. What it had started ends with it: the connection to its starter closes. */
  #onStall(slot: number, thread: HostThread): void {
    this.#held.strike(thread.suspects());
    const worker = this.#pool.threads.find(({ threadId }) => threadId === thread.threadId);
    this.#onDeath(slot, thread, new FerriteError('WORKER_LOST', 'a session host stopped answering and is ended'));
    worker?.terminate().catch(error => this.events.emit('lost', error));
  }

  #onDeath(slot: number, thread: HostThread, error: unknown): void {
    // One that was given up has a replacement by now.
    if (thread.isLost) return;
    thread.lose();
    if (this.#isClosing) return;
    this.events.emit('lost', error);
    delete this.#threads[slot];
    this.#replaceSoon(slot);
  }

  #replaceSoon(slot: number): void {
    setTimeout(() => void this.#replace(slot), REPLACE_DELAY_MS).unref();
  }

  async #replace(slot: number): Promise<void> {
    if (this.#isClosing) return;
    try {
      await this.#startThread(slot, REPLACEMENT_DEADLINE_MS);
    } catch (error) {
      if (this.#isClosing) return;
      this.events.emit('lost', error);
      this.#replaceSoon(slot);
      return;
    }
    this.events.emit('replaced', slot);
    if (this.isReady) this.#waits.arrived('all', undefined);
  }

  /** Highest random weight: every media has one thread, in any order of requests. */
  #slotOf(mediaId: MediaId): number {
    let best = 0;
    let bestWeight = -1;
    for (let slot = 0; slot < this.#options.threads; slot++) {
      const weight = fnv1a(`${slot}/${mediaId}`);
      if (weight > bestWeight) [best, bestWeight] = [slot, weight];
    }
    return best;
  }
}

const lost = (): FerriteError => new FerriteError('WORKER_LOST', 'the session host was lost');

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // FNV's high bits hardly differ for keys that differ at the front: mix them.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
