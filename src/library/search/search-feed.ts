// Keeps the index equal to the catalogue: every change goes in by batches; after a start, or when the index was lost, everything goes by once, and what the index has already costs it no write.
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import type { SearchDocument, SearchKind } from './search-document.ts';
import type { Requests, RequestType } from './search-protocol.ts';

export type Subject = { readonly kind: SearchKind; readonly id: string };

export type FeedSource = {
  /** Everything there is, now. */
  subjects(): readonly Subject[];
  /** As it is by now; undefined: it is gone. */
  documentOf(subject: Subject): SearchDocument | undefined;
  /** What has changed since it was taken last. */
  takeChanges(): Iterable<Subject>;
};

export type SearchFeedOptions = {
  readonly source: FeedSource;
  readonly request: <T extends RequestType>(type: T, input: Requests[T]['input']) => Promise<Requests[T]['output']>;
  /** The index has every title. */
  readonly onComplete: () => void;
  readonly onFailed: (error: unknown) => void;
};

/** About a millisecond of the main thread. */
const BATCH = 64;
/** A scan changes many titles one after the other. */
const GATHER_MS = 150;
const RETRY_MS = 5_000;

export class SearchFeed {
  readonly #options: SearchFeedOptions;
  readonly #changed = new Map<string, Subject>();
  /** Of the index that is open; another one is fed anew. */
  #opening = 0;
  #isTouched = false;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #isOpen = false;
  #isRoundWanted = false;
  readonly #stopped = new AbortController();

  constructor(options: SearchFeedOptions) {
    this.#options = options;
  }

  /** An index is open that may lack anything. */
  opened(): void {
    this.#opening++;
    this.#isOpen = true;
    this.#isRoundWanted = true;
    this.#wake();
  }

  lost(): void {
    this.#isOpen = false;
  }

  /** The catalogue has changed. */
  touched(): void {
    this.#isTouched = true;
    this.#wake();
  }

  /** Resolves when nothing is left to be fed, or nothing can be. */
  async settled(): Promise<void> {
    while (this.#isRunning) await this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  #wake(): void {
    if (this.#isRunning || !this.#isOpen || this.#stopped.signal.aborted) return;
    this.#isRunning = true;
    this.#running = this.#run().finally(() => {
      this.#isRunning = false;
      if (this.#hasWork) this.#wake();
    });
  }

  get #hasWork(): boolean {
    return this.#isRoundWanted || this.#isTouched || this.#changed.size > 0;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (this.#isOpen && !signal.aborted && this.#hasWork) {
      const opening = this.#opening;
      try {
        if (this.#isRoundWanted) await this.#round(opening);
        else await this.#feedChanges();
      } catch (error) {
        // A change that was not taken in, or was lost with its thread: everything goes by again.
        this.#isRoundWanted = true;
        if (opening !== this.#opening || !this.#isOpen || signal.aborted) continue;
        this.#options.onFailed(error);
        await delay(RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  async #round(opening: number): Promise<void> {
    const { source, request } = this.#options;
    await request('beginRound', null);
    const subjects = source.subjects();
    for (let at = 0; at < subjects.length; at += BATCH) {
      if (opening !== this.#opening || this.#stopped.signal.aborted) return;
      const documents = subjects.slice(at, at + BATCH).flatMap(subject => source.documentOf(subject) ?? []);
      await request('apply', { documents: JSON.stringify(documents), removed: [] });
    }
    await request('endRound', null);
    if (opening !== this.#opening) return;
    this.#isRoundWanted = false;
    this.#options.onComplete();
  }

  async #feedChanges(): Promise<void> {
    const { source, request } = this.#options;
    if (this.#isTouched) {
      await delay(GATHER_MS, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      this.#isTouched = false;
      for (const subject of source.takeChanges()) this.#changed.set(`${subject.kind} ${subject.id}`, subject);
    }
    const batch = [...this.#changed].slice(0, BATCH);
    const documents: SearchDocument[] = [];
    const removed: string[] = [];
    for (const [key, subject] of batch) {
      const document = source.documentOf(subject);
      if (document === undefined) removed.push(key);
      else documents.push(document);
      this.#changed.delete(key);
    }
    if (batch.length > 0) await request('apply', { documents: JSON.stringify(documents), removed });
    await turn();
  }
}
