// One inspector: a process that reads one file at a time. It is ended when it is silent, takes too long, or nobody wants its answer.
import { fileURLToPath } from 'node:url';
import { FerriteError, fromErrorRecord } from '#domain/errors.ts';
import type { FromInspector, Inspections, InspectionType } from '#domain/inspector-protocol.ts';
import { LineReader } from '#domain/line-reader.ts';
import type { ChildProcess, SpawnerClient } from '#workers/programs/spawner-client.ts';
import { Silence } from './silence.ts';

export type InspectorOptions = {
  readonly spawner: SpawnerClient;
  readonly spawnerSocketPath: string;
  readonly ffmpegPath: string;
  readonly ffprobePath: string;
};

export type AskOptions = { readonly deadlineMs: number; readonly signal?: AbortSignal };

const SCRIPT = fileURLToPath(new URL('../../workers/inspect/inspector.ts', import.meta.url));
const MIB = 1024 ** 2;
/** The heap fails first and says so; the whole of it, buffers and all, ends here (decision 0020). */
const MAX_HEAP_MIB = 384;
const LIMITS = { dataBytes: 768 * MIB, niceness: 10 };
/** More than that stays in memory after a file: the next one begins with a fresh process. */
const MAX_LEFT_BEHIND_BYTES = 256 * MIB;
/** A map of an hour of nothing but keyframes takes a megabyte or two. */
const MAX_LINE = 64 * MIB;
/** Behind everybody else on a machine that is full it gets a hundredth of a core: what is slow is not to be blamed. */
const READY_DEADLINE_MS = 120_000;
const SILENCE = { intervalMs: 500, limitMs: 30_000 };

type Waiting = { readonly resolve: (output: unknown) => void; readonly reject: (error: FerriteError) => void };

export class InspectorProcess {
  readonly #child: ChildProcess;
  readonly #silence: Silence;
  #waiting: Waiting | null = null;
  #isEnded = false;
  #residentBytes = 0;

  /** Rejects with WORKER_LOST: no file has to do with it. */
  static async start({ spawner, spawnerSocketPath, ffmpegPath, ffprobePath }: InspectorOptions): Promise<InspectorProcess> {
    const args = [`--max-old-space-size=${MAX_HEAP_MIB}`, SCRIPT, spawnerSocketPath, ffmpegPath, ffprobePath];
    const inspector = new InspectorProcess(await spawner.run(process.execPath, args, LIMITS));
    try {
      await inspector.#wait(READY_DEADLINE_MS);
    } catch (cause) {
      throw new FerriteError('WORKER_LOST', 'an inspector could not be started', { cause });
    }
    return inspector;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#silence = new Silence({ ...SILENCE, onTooLong: () => this.#end(lost('the file stalled its inspector')) });
    const lines = new LineReader({
      maxLength: MAX_LINE,
      onLine: line => this.#onMessage(JSON.parse(line) as FromInspector),
      onTooLong: () => this.#end(lost('the file made its inspector tell too much')),
    });
    child.socket.setEncoding('utf8');
    child.socket.on('data', (text: string) => {
      this.#silence.heard();
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

  /** False when another file must not be given to it. */
  get isUsable(): boolean {
    return !this.#isEnded && this.#residentBytes <= MAX_LEFT_BEHIND_BYTES;
  }

  /** Rejects with what is wrong with the file, with INSPECTOR_LOST when the file ended or stalled the inspector, or with CANCELLED. */
  async ask<T extends InspectionType>(
    type: T,
    input: Inspections[T]['input'],
    { deadlineMs, signal }: AskOptions,
  ): Promise<Inspections[T]['output']> {
    if (signal?.aborted) throw cancelled();
    const onAbort = (): void => this.#end(cancelled());
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      this.#child.socket.write(`${JSON.stringify({ type, input })}\n`);
      return (await this.#wait(deadlineMs)) as Inspections[T]['output'];
    } finally {
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
    const deadline = setTimeout(() => this.#end(lost(`reading the file took longer than ${deadlineMs} ms`)), deadlineMs);
    return promise.finally(() => clearTimeout(deadline));
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
    this.#silence.close();
    this.#child.kill('SIGKILL');
    this.#child.socket.destroy();
    this.#take()?.reject(reason);
  }
}

const lost = (message: string): FerriteError => new FerriteError('INSPECTOR_LOST', message);
const cancelled = (): FerriteError => new FerriteError('CANCELLED', 'the inspection was stopped');
