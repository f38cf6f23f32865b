// How the process ends: in order on the first signal, at once on the second, in order after a failure that nobody caught. A promise that was
// rejected and awaited by nobody ends nothing: whoever began that work has failed alone.
import type { Logger } from 'pino';

type Log = Pick<Logger, 'info' | 'error' | 'fatal'>;

/** Longer than closing may take: replies, threads and the store have deadlines of their own. */
const CLOSE_DEADLINE_MS = 45_000;

export class ProcessEnd {
  readonly #log: Log;
  #close: () => Promise<void> = async () => undefined;
  #isClosing = false;

  constructor(log: Log) {
    this.#log = log;
    process.on('unhandledRejection', err => log.error({ err }, 'a promise was rejected and nobody waited for it'));
    process.on('uncaughtException', err => {
      log.fatal({ err }, 'a failure that nobody caught; closing');
      this.#end(1);
    });
  }

  /** From here on signals end the process, by way of `close`. */
  closeWith(close: () => Promise<void>): void {
    this.#close = close;
    const onSignal = (signal: NodeJS.Signals): void => {
      this.#log.info({ signal }, 'closing');
      this.#end(0);
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  }

  #end(exitCode: number): void {
    if (this.#isClosing) process.exit(1);
    this.#isClosing = true;
    setTimeout(() => {
      this.#log.fatal('closing takes too long');
      process.exit(1);
    }, CLOSE_DEADLINE_MS).unref();
    this.#close().then(
      () => {
        this.#log.info('closed');
        process.exit(exitCode);
      },
      err => {
        this.#log.fatal({ err }, 'closing failed');
        process.exit(1);
      },
    );
  }
}
