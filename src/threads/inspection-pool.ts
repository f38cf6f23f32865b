// The inspectors: started when there is something to read, as many as the machine has cores for, ended when there is nothing.
import { availableParallelism } from 'node:os';
import { FerriteError } from '#domain/errors.ts';
import type { Inspections, InspectionType } from '#domain/inspector-protocol.ts';
import type { Inspection } from '#domain/protocol.ts';
import { SpawnerClient } from '#workers/programs/spawner-client.ts';
import { type InspectionBounds, InspectorProcess } from './inspector-process.ts';
import type { RightOfWay } from './right-of-way.ts';

export type InspectionPoolOptions = {
  readonly spawnerSocketPath: string;
  readonly ffmpegPath: string;
  readonly ffprobePath: string;
  readonly bounds?: InspectionBounds;
  /** While it is taken, inspectors and what they started stand still. */
  readonly rightOfWay: Pick<RightOfWay, 'events'>;
};

type Job = {
  readonly type: InspectionType;
  readonly input: Inspections[InspectionType]['input'];
  readonly signal: AbortSignal;
  readonly resolve: (output: never) => void;
  readonly reject: (error: unknown) => void;
};

/** The packets of a whole film without an index are read from disk: minutes for the largest on the slowest. */
const DEADLINES_MS: Readonly<Record<InspectionType, number>> = {
  inspect: 15 * 60_000,
  poster: 180_000,
  artwork: 180_000,
  previews: 15 * 60_000,
  rates: 30 * 60_000,
  sound: 15 * 60_000,
  season: 60_000,
};
/** Files that wait to be listed go before pictures, and those before what only makes a playlist more exact, or can be done without. */
const ORDER = ['inspect', 'poster', 'artwork', 'previews', 'rates', 'season', 'sound'] as const satisfies readonly InspectionType[];
const IDLE_MS = 30_000;

/** One keeps a disk busy, two hide one another's waits; beyond eight it is the disk that everybody waits for. */
export const inspectorCount = (): number => Math.min(8, Math.max(2, availableParallelism()));
/** Pictures are cut while people watch and while files wait to be listed. */
export const posterCount = (): number => Math.max(1, Math.floor(inspectorCount() / 2));

export class InspectionPool {
  readonly #options: InspectionPoolOptions;
  readonly #spawner: SpawnerClient;
  readonly #queues: Readonly<Record<InspectionType, Job[]>> = {
    inspect: [],
    poster: [],
    artwork: [],
    previews: [],
    season: [],
    sound: [],
    rates: [],
  };
  readonly #idle: InspectorProcess[] = [];
  readonly #all = new Set<InspectorProcess>();
  readonly #unsubscribes: readonly (() => void)[];
  #running = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: InspectionPoolOptions) {
    this.#options = options;
    this.#spawner = new SpawnerClient(options.spawnerSocketPath);
    const { events } = options.rightOfWay;
    this.#unsubscribes = [events.on('taken', () => this.#spawner.hold()), events.on('given', () => this.#spawner.release())];
  }

  inspect(path: string, signal: AbortSignal): Promise<Inspection> {
    return this.#ask('inspect', { path }, signal);
  }

  async poster(input: Inspections['poster']['input'], signal: AbortSignal): Promise<Uint8Array> {
    const { base64 } = await this.#ask('poster', input, signal);
    return Buffer.from(base64, 'base64');
  }

  async artwork(input: Inspections['artwork']['input'], signal: AbortSignal): Promise<Uint8Array> {
    const { base64 } = await this.#ask('artwork', input, signal);
    return Buffer.from(base64, 'base64');
  }

  previews(input: Inspections['previews']['input'], signal: AbortSignal): Promise<Inspections['previews']['output']> {
    return this.#ask('previews', input, signal);
  }

  rates(input: Inspections['rates']['input'], signal: AbortSignal): Promise<Inspections['rates']['output']> {
    return this.#ask('rates', input, signal);
  }

  sound(input: Inspections['sound']['input'], signal: AbortSignal): Promise<Inspections['sound']['output']> {
    return this.#ask('sound', input, signal);
  }

  season(input: Inspections['season']['input'], signal: AbortSignal): Promise<Inspections['season']['output']> {
    return this.#ask('season', input, signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const unsubscribe of this.#unsubscribes) unsubscribe();
    clearTimeout(this.#idleTimer);
    for (const job of Object.values(this.#queues).flatMap(queue => queue.splice(0))) job.reject(draining());
    for (const inspector of this.#all) inspector.close();
    await this.#spawner.close();
  }

  #ask<T extends InspectionType>(type: T, input: Inspections[T]['input'], signal: AbortSignal): Promise<Inspections[T]['output']> {
    if (this.#isClosed) return Promise.reject(draining());
    const { promise, resolve, reject } = Promise.withResolvers<Inspections[T]['output']>();
    this.#queues[type].push({ type, input, signal, resolve, reject });
    this.#startNext();
    return promise;
  }

  #startNext(): void {
    while (this.#running < inspectorCount() && !this.#isClosed) {
      const job = this.#next();
      if (job === undefined) return;
      this.#running++;
      void this.#run(job).finally(() => {
        this.#running--;
        this.#startNext();
      });
    }
  }

  #next(): Job | undefined {
    for (const type of ORDER) {
      const job = this.#queues[type].shift();
      if (job !== undefined) return job;
    }
    return undefined;
  }

  async #run({ type, input, signal, resolve, reject }: Job): Promise<void> {
    clearTimeout(this.#idleTimer);
    try {
      if (signal.aborted) throw new FerriteError('CANCELLED', 'the inspection was stopped');
      const inspector = this.#idle.pop() ?? (await this.#start());
      try {
        resolve((await inspector.ask(type, input, { deadlineMs: DEADLINES_MS[type], signal })) as never);
      } finally {
        this.#keep(inspector);
      }
    } catch (error) {
      reject(error);
    }
  }

  async #start(): Promise<InspectorProcess> {
    const inspector = await InspectorProcess.start({ ...this.#options, spawner: this.#spawner });
    this.#all.add(inspector);
    if (this.#isClosed) inspector.close();
    return inspector;
  }

  #keep(inspector: InspectorProcess): void {
    if (this.#isClosed || !inspector.isUsable) {
      this.#discard(inspector);
      return;
    }
    this.#idle.push(inspector);
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      for (const idle of this.#idle.splice(0)) this.#discard(idle);
    }, IDLE_MS).unref();
  }

  #discard(inspector: InspectorProcess): void {
    inspector.close();
    this.#all.delete(inspector);
  }
}

const draining = (): FerriteError => new FerriteError('DRAINING', 'the server is shutting down');
