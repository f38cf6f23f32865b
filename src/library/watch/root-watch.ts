// Hears of changes below one folder of a library, by the system or by looking again and again, and goes on when the folder comes back.
import { lstat, realpath } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { type AsyncSubscription, subscribe } from '@parcel/watcher';
import type { Log } from '#library/scan/scanner-options.ts';
import { withoutEvents } from './file-systems.ts';

export type RootState = {
  readonly path: string;
  readonly mode: 'events' | 'polling' | 'unreachable';
  /** What is in the way of better, and what to do about it. */
  readonly warning: string | null;
};

export type RootWatchOptions = {
  readonly path: string;
  readonly mode: 'auto' | 'poll';
  readonly pollMs: number;
  /** How often it is looked whether the folder is still the same. */
  readonly checkMs: number;
  /** Something changed at this name; all may have where it is empty. */
  readonly onChange: (name: string) => void;
  readonly log: Log;
};

export class RootWatch {
  readonly #options: RootWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #state: RootState;
  /** Of the folder that is listened to, so that another in its place is noticed. */
  #identity: string | null = null;
  #subscription: AsyncSubscription | null = null;
  #polledAtMs = performance.now();
  #checking: Promise<void>;
  #isClosed = false;

  constructor(options: RootWatchOptions) {
    this.#options = options;
    this.#state = { path: options.path, mode: 'unreachable', warning: null };
    this.#checking = this.#open(false);
    this.#timer = setInterval(() => this.#check(), Math.min(options.checkMs, options.pollMs));
    this.#timer.unref();
  }

  get state(): RootState {
    return this.#state;
  }

  /** Resolves when it listens, or knows that it can not. */
  whenOpen(): Promise<void> {
    return this.#checking;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#checking;
    await this.#unsubscribe();
  }

  /** One look at a time. */
  #check(): void {
    const before = this.#checking;
    let isOver = false;
    void before.then(() => {
      isOver = true;
    });
    setImmediate(() => {
      if (isOver && !this.#isClosed) this.#checking = this.#look();
    });
  }

  async #look(): Promise<void> {
    const now = await identityOf(this.#options.path);
    if (now === null || now !== this.#identity) {
      await this.#unsubscribe();
      await this.#open(true);
    } else if (this.#state.mode === 'polling' && performance.now() - this.#polledAtMs >= this.#options.pollMs) {
      this.#polledAtMs = performance.now();
      this.#options.onChange('');
    }
  }

  /** `isBack`: what happened before it listened is not known. */
  async #open(isBack: boolean): Promise<void> {
    const { path, mode, onChange } = this.#options;
    const wasUnreachable = this.#state.mode === 'unreachable';
    this.#identity = await identityOf(path);
    if (this.#identity === null) {
      const warning = 'the folder is missing or can not be read: its films stay in the catalogue until it is back';
      if (!wasUnreachable || !isBack) this.#options.log.warn({ path }, warning);
      this.#state = { path, mode: 'unreachable', warning };
      return;
    }
    if (mode === 'poll') this.#state = { path, mode: 'polling', warning: null };
    else await this.#listen(path);
    if (isBack && !this.#isClosed) onChange('');
  }

  async #listen(path: string): Promise<void> {
    try {
      const root = await realpath(path);
      const system = await withoutEvents(root);
      if (system !== null) {
        this.#state = { path, mode: 'polling', warning: null };
        this.#options.log.info({ path, system }, 'changes by others are not told of there: the folder is looked through now and then');
        return;
      }
      this.#subscription = await subscribe(root, (error, events) => {
        if (error !== null) this.#lose(error);
        else for (const event of events) this.#options.onChange(relative(root, event.path).split(sep).join('/'));
      });
      this.#state = { path, mode: 'events', warning: null };
    } catch (error) {
      this.#state = { path, mode: 'polling', warning: warningOf(error) };
      this.#options.log.warn({ path, err: error }, this.#state.warning ?? '');
    }
  }

  /** Some changes were not told of. */
  #lose(error: Error): void {
    this.#options.log.warn({ path: this.#options.path, err: error }, 'changes of a folder were lost: it is looked through');
    this.#options.onChange('');
  }

  async #unsubscribe(): Promise<void> {
    const subscription = this.#subscription;
    this.#subscription = null;
    // Of a folder that is gone there is nothing left to end.
    await subscription?.unsubscribe().catch(() => undefined);
  }
}

function warningOf(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  if (/no space left|inotify_add_watch/i.test(message))
    return 'the system allows no more watches: raise fs.inotify.max_user_watches (sysctl); until then the folder is looked through now and then';
  if (/too many open files|inotify_init/i.test(message))
    return 'the system allows no more watchers: raise fs.inotify.max_user_instances (sysctl); until then the folder is looked through now and then';
  return `changes can not be listened to (${message}): the folder is looked through now and then`;
}

async function identityOf(path: string): Promise<string | null> {
  try {
    const facts = await lstat(await realpath(path));
    return facts.isDirectory() ? `${facts.dev} ${facts.ino}` : null;
  } catch {
    return null;
  }
}
