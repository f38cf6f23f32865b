// The session host threads: one port and one never-ending task each, media → thread by rendezvous hash, lost threads replaced.
import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { FerriteError, fromErrorRecord } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import { type FromWorker, type HostOptions, PROTOCOL_VERSION, type Requests, type RequestType, type ToWorker } from '#domain/protocol.ts';
import { WaitingRoom, within } from '#domain/waiting.ts';
import { Emitter } from '#src/events.ts';
import type { HostEvents, HostMessage, HostNumber, MediaHosts, Notification } from './media-hosts.ts';

export type WorkerPoolOptions = {
  readonly threads: number;
  readonly host: Omit<HostOptions, 'port'>;
};

export const defaultThreads = (): number => Math.max(1, availableParallelism() - 1);

const READY_DEADLINE_MS = 20_000;
const CLOSE_DEADLINE_MS = 5_000;
const REPLACE_DELAY_MS = 200;

export class WorkerPool implements MediaHosts {
  readonly events = new Emitter<HostEvents>();
  readonly #options: WorkerPoolOptions;
  readonly #pool: Piscina;
  readonly #threads: Thread[] = [];
  readonly #waits = new WaitingRoom<void>();
  #isClosing = false;

  /** No thread runs before `start`: whoever listens hears everything. */
  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#pool = new Piscina({
      filename: new URL('../../workers/host.ts', import.meta.url).href,
      minThreads: options.threads,
      maxThreads: options.threads,
      concurrentTasksPerWorker: 1,
      // The default puts a thread to sleep between tasks, timers and all.
      atomics: 'disabled',
    });
    // An error of a thread between two tasks; unheard it would end the process.
    this.#pool.on('error', error => this.events.emit('lost', error));
  }

  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.threads }, (_, slot) => this.#startThread(slot)));
  }

  request<T extends RequestType>(type: T, input: Requests[T]['input'], signal?: AbortSignal): Promise<Requests[T]['output']> {
    if (this.#isClosing) return Promise.reject(new FerriteError('DRAINING', 'the server is shutting down'));
    const thread = this.#threads[this.#slotOf(input.mediaId)];
    if (!thread) return Promise.reject(new FerriteError('WORKER_LOST', 'the session host is being replaced'));
    return thread.request(type, input, signal);
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

  async #startThread(slot: number): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    const task = this.#pool.run({ ...this.#options.host, port: port2 } satisfies HostOptions, { transferList: [port2] });
    const thread = new Thread(port1, this.events);
    task.then(
      () => thread.lose(),
      error => this.#onDeath(slot, thread, error),
    );
    if (!(await within(READY_DEADLINE_MS, thread.ready))) throw lost();
    this.#threads[slot] = thread;
  }

  #onDeath(slot: number, thread: Thread, error: unknown): void {
    thread.lose();
    if (this.#isClosing) return;
    this.events.emit('lost', error);
    delete this.#threads[slot];
    setTimeout(() => void this.#replace(slot), REPLACE_DELAY_MS).unref();
  }

  async #replace(slot: number): Promise<void> {
    if (this.#isClosing) return;
    try {
      await this.#startThread(slot);
      this.events.emit('replaced', slot);
      if (this.isReady) this.#waits.arrived('all', undefined);
    } catch (error) {
      // The task's own rejection leads back here by #onDeath.
      this.events.emit('lost', error);
    }
  }

  /** Highest random weight: every media has one thread, whatever the order of requests. */
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

type Pending = { readonly resolve: (output: never) => void; readonly reject: (error: FerriteError) => void };

class Thread {
  readonly #port: MessagePort;
  readonly #events: Emitter<HostEvents>;
  readonly #pending = new Map<number, Pending>();
  readonly #ready = Promise.withResolvers<true>();
  readonly #closed = Promise.withResolvers<void>();
  #nextId = 1;
  #isLost = false;
  readonly ready = this.#ready.promise;

  constructor(port: MessagePort, events: Emitter<HostEvents>) {
    this.#port = port;
    this.#events = events;
    // A thread that dies before it is ready is reported by its task: nobody may be waiting here any more.
    this.ready.catch(() => undefined);
    port.on('message', (message: FromWorker) => this.#onMessage(message));
  }

  request<T extends RequestType>(type: T, input: Requests[T]['input'], signal?: AbortSignal): Promise<Requests[T]['output']> {
    if (this.#isLost) return Promise.reject(lost());
    if (signal?.aborted) return Promise.reject(new FerriteError('CANCELLED', 'the client went away'));
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<Requests[T]['output']>();
    this.#pending.set(id, { resolve, reject });
    this.post({ kind: 'request', id, type, input } as ToWorker);
    if (!signal) return promise;
    const onAbort = (): void => this.post({ kind: 'cancel', id });
    signal.addEventListener('abort', onAbort, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  post(message: ToWorker): void {
    this.#port.postMessage(message);
  }

  async drain(deadlineMs: number): Promise<void> {
    if (this.#isLost) return;
    this.post({ kind: 'drain', deadlineMs });
    await this.#closed.promise;
  }

  /** The thread is gone: everybody who waits for it hears so. */
  lose(): void {
    this.#isLost = true;
    this.#port.close();
    this.#ready.reject(lost());
    this.#closed.resolve();
    for (const { reject } of this.#pending.values()) reject(lost());
    this.#pending.clear();
  }

  #onMessage(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        if (message.version === PROTOCOL_VERSION) this.#ready.resolve(true);
        else this.#ready.reject(new FerriteError('INTERNAL', 'the session host speaks another protocol version'));
        return;
      case 'reply':
        this.#take(message.id)?.resolve(message.output as never);
        return;
      case 'failure':
        this.#take(message.id)?.reject(fromErrorRecord(message.error));
        return;
      default:
        tell(this.#events, message);
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}

/** Each kind of message is an event of the same name. */
const tell = (events: Emitter<HostEvents>, message: HostMessage): void => events.emit(message.kind, message as never);

const lost = (): FerriteError => new FerriteError('WORKER_LOST', 'the session host was lost');

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // FNV's high bits hardly differ for keys that differ at the front: mix them.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
