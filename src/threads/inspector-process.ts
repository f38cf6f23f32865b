// One inspector: a process that reads one file at a time. It is ended when it works or waits for too long, or nobody wants its answer.
// Only work is the file's fault: who is slow by the clock may have waited for a processor or a disk.
import { fileURLToPath } from 'node:url';
import { FerriteError, fromErrorRecord } from '#domain/errors.ts';
import type { FromInspector, Inspections, InspectionType } from '#domain/inspector-protocol.ts';
import { LineReader } from '#domain/line-reader.ts';
import type { ChildProcess, SpawnerClient } from '#workers/programs/spawner-client.ts';
import { processorMs } from './processor-time.ts';
import { Silence } from './silence.ts';

export type InspectorOptions = {
  readonly spawner: SpawnerClient;
  readonly spawnerSocketPath: string;
  readonly ffmpegPath: string;
  readonly ffprobePath: string;
  readonly bounds?: InspectionBounds;
};

export type InspectionBounds = {
  /** Processor time of the inspector for one file; that of its programs is bounded where they are started. */
  readonly workMs: number;
  /** By the clock, without a sign of life. */
  readonly silentMs: number;
};

export type AskOptions = { readonly deadlineMs: number; readonly signal?: AbortSignal };

const SCRIPT = fileURLToPath(new URL('../../workers/inspect/inspector.ts', import.meta.url));
const MIB = 1024 ** 2;
/** The heap fails first and says so; the whole of it, buffers and all, ends here (decision 0020). */
const MAX_HEAP_MIB = 384;
const LIMITS = { dataBytes: 768 * MIB, priority: 'background' } as const;
/** More than that stays in memory after a file: the next one begins with a fresh process. */
const MAX_LEFT_BEHIND_BYTES = 256 * MIB;
/** A map of an hour of nothing but keyframes takes a megabyte or two. */
const MAX_LINE = 64 * MIB;
/** Behind everybody else on a machine that is full it gets a hundredth of a core: what is slow is not to be blamed. */
const READY_DEADLINE_MS = 120_000;
/** A film of half a million fragments takes it 1.5 s. */
const BOUNDS: InspectionBounds = { workMs: 30_000, silentMs: 120_000 };
const LOOK_INTERVAL_MS = 500;

type Waiting = { readonly resolve: (output: unknown) => void; readonly reject: (error: FerriteError) => void };

export class InspectorProcess {
  readonly #child: ChildProcess;
  /** While it reads a file. */
  #silence: Silence | null = null;
  readonly #bounds: InspectionBounds;
  /** Its processor time when it took the file. */
  #workedBeforeMs = 0;
  #waiting: Waiting | null = null;
  #isEnded = false;
  #residentBytes = 0;

  /** Rejects with WORKER_LOST: no file has to do with it. */
  static async start({ spawner, spawnerSocketPath, ffmpegPath, ffprobePath, bounds }: InspectorOptions): Promise<InspectorProcess> {
    const args = [`--max-old-space-size=${MAX_HEAP_MIB}`, SCRIPT, spawnerSocketPath, ffmpegPath, ffprobePath];
    const inspector = new InspectorProcess(await spawner.run(process.execPath, args, LIMITS), bounds ?? BOUNDS);
    try {
      await inspector.#wait(READY_DEADLINE_MS);
    } catch (cause) {
      throw new FerriteError('WORKER_LOST', 'an inspector could not be started', { cause });
    }
    return inspector;
  }

  private constructor(child: ChildProcess, bounds: InspectionBounds) {
    this.#child = child;
    this.#bounds = bounds;
    const lines = new LineReader({
      maxLength: MAX_LINE,
      onLine: line => this.#onLine(line),
      onTooLong: () => this.#end(lost('the file made its inspector tell too much')),
    });
    child.socket.setEncoding('utf8');
    child.socket.on('data', (text: string) => {
      this.#silence?.heard();
      lines.push(text);
    });
    void child.exited.then(({ signal, exitCode }) =>
      this.#end(
        signal === 'SPAWNER_LOST'
          ? new FerriteError('WORKER_LOST', 'the process starter was lost')
          : lost(`the file ended its inspector (${signal ?? exitCode}), by the memory it asks for or by a fault in reading it`),
      ),
    );
  }

  /** What else than a message is written there, as by a runtime that comes to its end, is the end of it. */
  #onLine(line: string): void {
    try {
      this.#onMessage(JSON.parse(line) as FromInspector);
    } catch {
      this.#end(lost('the file made its inspector say what is no answer'));
    }
  }

  /** False when another file must not be given to it. */
  get isUsable(): boolean {
    return !this.#isEnded && this.#residentBytes <= MAX_LEFT_BEHIND_BYTES;
  }

  /** Rejects with what is wrong with the file, with INSPECTOR_LOST when the file ended the inspector or took too much of it, with INSPECTION_DEFERRED when it was slow by the clock alone, or with CANCELLED. */
  async ask<T extends InspectionType>(
    type: T,
    input: Inspections[T]['input'],
    { deadlineMs, signal }: AskOptions,
  ): Promise<Inspections[T]['output']> {
    if (signal?.aborted) throw cancelled();
    const onAbort = (): void => this.#end(cancelled());
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      this.#watch();
      this.#child.socket.write(`${JSON.stringify({ type, input })}\n`);
      return (await this.#wait(deadlineMs)) as Inspections[T]['output'];
    } finally {
      this.#silence?.close();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  close(): void {
    this.#end(cancelled());
  }

  #wait(deadlineMs: number): Promise<unknown> {
    if (this.#isEnded) return Promise.reject(lost('the inspector has ended'));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting = { resolve, reject };
    const deadline = setTimeout(() => this.#end(deferred(`reading the file took longer than ${deadlineMs} ms`)), deadlineMs);
    return promise.finally(() => clearTimeout(deadline));
  }

  #watch(): void {
    this.#workedBeforeMs = this.#workedMs();
    this.#silence = new Silence({
      intervalMs: LOOK_INTERVAL_MS,
      limitMs: this.#bounds.silentMs,
      onInterval: () => this.#endIfOverworked(),
      onTooLong: () => {
        this.#endIfOverworked();
        this.#end(deferred('what reads the file was not heard of for too long'));
      },
    });
  }

  /** Where that can not be told, nothing counts as work. */
  #workedMs(): number {
    return (this.#child.pid === null ? null : processorMs(this.#child.pid)) ?? 0;
  }

  #endIfOverworked(): void {
    if (this.#workedMs() - this.#workedBeforeMs >= this.#bounds.workMs)
      this.#end(lost('the file took more processor time to read than it may'));
  }

  #onMessage(message: FromInspector): void {
    switch (message.kind) {
      case 'alive':
        return;
      case 'ready':
        this.#take()?.resolve(null);
        return;
      case 'reply':
        this.#residentBytes = message.residentBytes;
        this.#take()?.resolve(message.output);
        return;
      case 'failure':
        this.#residentBytes = message.residentBytes;
        this.#take()?.reject(fromErrorRecord(message.error));
    }
  }

  #take(): Waiting | null {
    const waiting = this.#waiting;
    this.#waiting = null;
    return waiting;
  }

  /** Whatever it has started ends with it. */
  #end(reason: FerriteError): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#silence?.close();
    this.#child.kill('SIGKILL');
    this.#child.socket.destroy();
    this.#take()?.reject(reason);
  }
}

const lost = (message: string): FerriteError => new FerriteError('INSPECTOR_LOST', message);
const deferred = (message: string): FerriteError => new FerriteError('INSPECTION_DEFERRED', message);
const cancelled = (): FerriteError => new FerriteError('CANCELLED', 'the inspection was stopped');
