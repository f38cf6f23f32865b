// The thread of the search as the main thread has it: requests with deadlines, a bounded queue, and a new thread when one dies or says nothing.
import { Worker } from 'node:worker_threads';
import { FerriteError } from '#domain/errors.ts';
import type { FromThread, Requests, RequestType, ThreadData } from './search-protocol.ts';

export type SearchThreadOptions = {
  /** The file of the index. */
  readonly path: string;
  /** The index is open. `isComplete`: it had every title when it was closed. */
  readonly onOpened: (opened: {
    readonly beginning: 'kept' | 'missing' | 'damaged' | 'other-format';
    readonly isComplete: boolean;
  }) => void;
  /** Nothing can be asked until it is opened again. */
  readonly onLost: (reason: { readonly isDamaged: boolean; readonly message: string }) => void;
};

type Pending = {
  readonly settle: (message: FromThread & { kind: 'reply' | 'failure' }) => void;
  readonly fail: (error: FerriteError) => void;
};

/** Whoever types faster than this is answered from the catalogue itself. */
const MAX_PENDING = 256;
/** A find waits for the batch before it, at the most. */
const DEADLINES_MS: Readonly<Record<RequestType, number>> = {
  findGroups: 5_000,
  findIds: 5_000,
  status: 30_000,
  apply: 60_000,
  beginRound: 60_000,
  endRound: 120_000,
};
/** An index is checked as a whole when it is opened. */
const OPEN_DEADLINE_MS = 120_000;
const CLOSE_DEADLINE_MS = 5_000;
const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = 60_000;

export class SearchThread {
  readonly #options: SearchThreadOptions;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #isOpen = false;
  #isClosed = false;
  #lastId = 0;
  #restartMs = FIRST_RESTART_MS;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SearchThreadOptions) {
    this.#options = options;
    this.#start();
  }

  /** @throws WORKER_LOST where there is no thread, or it ends before it answers; OVERLOADED where too many wait */
  async request<T extends RequestType>(type: T, input: Requests[T]['input']): Promise<Requests[T]['output']> {
    const worker = this.#worker;
    if (worker === null || !this.#isOpen) throw new FerriteError('WORKER_LOST', 'the search index is not open');
    if (this.#pending.size >= MAX_PENDING) throw new FerriteError('OVERLOADED', 'too many searches wait');
    const { promise, resolve, reject } = Promise.withResolvers<Requests[T]['output']>();
    const id = ++this.#lastId;
    const deadline = setTimeout(() => this.#lost(worker, { isDamaged: false, message: `no answer to ${type}` }), DEADLINES_MS[type]);
    const end = (): void => {
      clearTimeout(deadline);
      this.#pending.delete(id);
    };
    this.#pending.set(id, {
      settle: message => {
        end();
        if (message.kind === 'reply') resolve(message.output as Requests[T]['output']);
        else reject(new FerriteError('INTERNAL', `the search failed: ${message.message}`));
      },
      fail: error => {
        end();
        reject(error);
      },
    });
    worker.postMessage({ id, type, input });
    return promise;
  }

  /** Ends the thread; the index stays as it is. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (worker === null) return;
    this.#worker = null;
    this.#failAll('the server is closing');
    const ended = new Promise(resolve => worker.once('exit', resolve));
    const deadline = setTimeout(() => void worker.terminate(), CLOSE_DEADLINE_MS);
    worker.postMessage('close');
    await ended;
    clearTimeout(deadline);
  }

  #start(): void {
    const workerData: ThreadData = { path: this.#options.path };
    const worker = new Worker(new URL('./search-worker.ts', import.meta.url), { workerData, name: 'search' });
    this.#worker = worker;
    this.#isOpen = false;
    this.#timer = setTimeout(() => this.#lost(worker, { isDamaged: false, message: 'the index was not opened in time' }), OPEN_DEADLINE_MS);
    worker.on('message', (message: FromThread) => this.#heard(worker, message));
    worker.on('error', error => this.#lost(worker, { isDamaged: false, message: String(error) }));
    worker.on('exit', code => this.#lost(worker, { isDamaged: false, message: `the thread ended with ${code}` }));
  }

  #heard(worker: Worker, message: FromThread): void {
    if (worker !== this.#worker) return;
    switch (message.kind) {
      case 'opened':
        clearTimeout(this.#timer);
        this.#isOpen = true;
        this.#options.onOpened(message);
        return;
      case 'lost':
        this.#lost(worker, message);
        return;
      case 'reply':
        this.#restartMs = FIRST_RESTART_MS;
        this.#pending.get(message.id)?.settle(message);
        return;
      case 'failure':
        this.#pending.get(message.id)?.settle(message);
    }
  }

  #lost(worker: Worker, reason: { readonly isDamaged: boolean; readonly message: string }): void {
    if (worker !== this.#worker) return;
    clearTimeout(this.#timer);
    this.#worker = null;
    this.#isOpen = false;
    this.#failAll(reason.message);
    this.#options.onLost(reason);
    // Two threads never have the file at once.
    void worker.terminate().then(() => {
      if (this.#isClosed) return;
      this.#timer = setTimeout(() => this.#start(), this.#restartMs).unref();
      this.#restartMs = Math.min(LAST_RESTART_MS, 2 * this.#restartMs);
    });
  }

  #failAll(message: string): void {
    for (const { fail } of [...this.#pending.values()]) fail(new FerriteError('WORKER_LOST', message));
  }
}
