// One session host as the pool sees it: what is asked of it and not answered yet, and whether it answers at all.
import type { MessagePort } from 'node:worker_threads';
import { type ErrorCode, FerriteError, fromErrorRecord } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import { type FromWorker, PROTOCOL_VERSION, type Requests, type RequestType, type ToWorker } from '#domain/protocol.ts';
import type { Emitter } from '#src/events.ts';
import type { HostEvents, HostMessage } from './media-hosts.ts';
import { Silence } from './silence.ts';

export type HostThreadOptions = {
  readonly port: MessagePort;
  /** Where the thread notes which request it began last. */
  readonly begun: Int32Array;
  readonly events: Emitter<HostEvents>;
  /** It has not answered for so long that it will not. */
  readonly onStalled: () => void;
};

/** Asked every half second; two seconds without an answer are far beyond any turn of a healthy thread. */
const WATCH = { intervalMs: 500, limitMs: 2_000 };

/** An encode may fail and be begun again some times before a segment is given up. */
const DEADLINES_MS: Readonly<Record<RequestType, number>> = {
  'tools.check': 30_000,
  'machine.encoders': 30_000,
  'machine.colours': 30_000,
  'machine.measure': 120_000,
  'machine.trials': 6 * 60_000,
  'session.open': 15_000,
  'session.close': 30_000,
  'session.describe': 10_000,
  'segment.prepare': 120_000,
  'segment.locate': 15_000,
  // They answer after 15 s at the latest.
  'subtitles.source': 60_000,
  'fonts.list': 60_000,
};
const TIMED_OUT: Readonly<Partial<Record<RequestType, ErrorCode>>> = { 'segment.prepare': 'ENCODE_STALLED' };

type Pending = {
  readonly mediaId: MediaId;
  readonly resolve: (output: never) => void;
  readonly reject: (error: FerriteError) => void;
};

export class HostThread {
  readonly #port: MessagePort;
  readonly #events: Emitter<HostEvents>;
  readonly #begun: Int32Array;
  readonly #onStalled: () => void;
  readonly #pending = new Map<number, Pending>();
  readonly #ready = Promise.withResolvers<true>();
  readonly #closed = Promise.withResolvers<void>();
  #watch: Silence | null = null;
  #nextId = 1;
  /** What it had been asked by the time of its last sign of life. */
  #askedBeforeIt = 0;
  #isLost = false;
  #threadId = -1;
  readonly ready = this.#ready.promise;

  constructor({ port, begun, events, onStalled }: HostThreadOptions) {
    this.#port = port;
    this.#begun = begun;
    this.#events = events;
    this.#onStalled = onStalled;
    // A thread that dies before it is ready is reported by its task: nobody may be waiting here any more.
    this.ready.catch(() => undefined);
    port.on('message', (message: FromWorker) => this.#onMessage(message));
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  get threadId(): number {
    return this.#threadId;
  }

  /**
   * Whose request may have stopped it: those it began since its last sign of life, where there are any, else those it began at all.
   * What was asked of it while it stood still has nothing to do with it.
   */
  suspects(): readonly MediaId[] {
    const lastBegun = Atomics.load(this.#begun, 0);
    const begun = [...this.#pending].filter(([id]) => id <= lastBegun);
    const recent = begun.filter(([id]) => id > this.#askedBeforeIt);
    return (recent.length > 0 ? recent : begun).map(([, { mediaId }]) => mediaId);
  }

  request<T extends RequestType>(type: T, input: Requests[T]['input'], signal?: AbortSignal): Promise<Requests[T]['output']> {
    if (this.#isLost) return Promise.reject(lost());
    if (signal?.aborted) return Promise.reject(new FerriteError('CANCELLED', 'the client went away'));
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<Requests[T]['output']>();
    this.#pending.set(id, { mediaId: input.mediaId, resolve, reject });
    this.post({ kind: 'request', id, type, input } as ToWorker);
    const onAbort = (): void => this.post({ kind: 'cancel', id });
    const deadline = setTimeout(() => {
      onAbort();
      this.#take(id)?.reject(new FerriteError(TIMED_OUT[type] ?? 'WORKER_LOST', 'the session host did not answer in time'));
    }, DEADLINES_MS[type]);
    signal?.addEventListener('abort', onAbort, { once: true });
    return promise.finally(() => {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', onAbort);
    });
  }

  post(message: ToWorker): void {
    this.#port.postMessage(message);
  }

  async drain(deadlineMs: number): Promise<void> {
    if (this.#isLost) return;
    this.#watch?.close();
    this.post({ kind: 'drain', deadlineMs });
    await this.#closed.promise;
  }

  /** The thread is gone: everybody who waits for it hears so. */
  lose(): void {
    this.#isLost = true;
    this.#watch?.close();
    this.#port.close();
    this.#ready.reject(lost());
    this.#closed.resolve();
    for (const { reject } of this.#pending.values()) reject(lost());
    this.#pending.clear();
  }

  #onMessage(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.#threadId = message.threadId;
        if (message.version === PROTOCOL_VERSION) this.#begin();
        else this.#ready.reject(new FerriteError('INTERNAL', 'the session host speaks another protocol version'));
        return;
      case 'pong':
        this.#watch?.heard();
        this.#askedBeforeIt = Math.max(this.#askedBeforeIt, message.asked);
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

  #begin(): void {
    const onInterval = (): void => this.post({ kind: 'ping', asked: this.#nextId - 1 });
    this.#watch = new Silence({ ...WATCH, onInterval, onTooLong: this.#onStalled });
    this.#ready.resolve(true);
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
