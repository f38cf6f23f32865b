// Firefox as it comes from Debian, driven over WebDriver BiDi, which it speaks by itself.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { PlayerProgram } from '../player.ts';
import { type Engine, PAGE, PagePlayer } from './page-player.ts';

const BINARY = '/usr/bin/firefox-esr';
/** A film plays without a click; nothing is fetched from anywhere else. */
const PREFERENCES = {
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'media.gmp-manager.url': '',
  'browser.aboutwelcome.enabled': false,
};

type Reply = { readonly id?: number; readonly type: string; readonly result?: unknown; readonly message?: string };

/** One connection, one call per id. */
class BidiConnection {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#arrived(JSON.parse(String(data)) as Reply));
    socket.addEventListener('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('Firefox has gone'));
      this.#waiting.clear();
    });
  }

  static async open(url: string): Promise<BidiConnection> {
    const socket = new WebSocket(url);
    await once(socket, 'open');
    return new BidiConnection(socket);
  }

  call<T>(method: string, params: Record<string, unknown>): Promise<T> {
    const id = ++this.#lastId;
    const wait = Promise.withResolvers<unknown>();
    this.#waiting.set(id, wait);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return wait.promise as Promise<T>;
  }

  close(): void {
    this.#socket.close();
  }

  #arrived({ id, type, result, message }: Reply): void {
    const wait = this.#waiting.get(id ?? 0);
    this.#waiting.delete(id ?? 0);
    if (type === 'error') wait?.reject(new Error(message));
    else wait?.resolve(result);
  }
}

type Evaluated = {
  readonly type: string;
  readonly result?: { readonly value: string };
  readonly exceptionDetails?: { readonly text: string };
};

export async function startFirefox(origin: string, engine: Engine): Promise<PlayerProgram> {
  const profile = await mkdtemp(join(tmpdir(), 'ferrite-firefox-'));
  const preferences = Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
  await writeFile(join(profile, 'user.js'), preferences.join('\n'));
  const child = spawn(BINARY, ['--headless', '--profile', profile, '--remote-debugging-port', '0', '--no-remote'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' },
  });
  try {
    const connection = await BidiConnection.open(`${await addressOf(child)}/session`);
    await connection.call('session.new', { capabilities: {} });
    const { contexts } = await connection.call<{ contexts: { context: string }[] }>('browsingContext.getTree', {});
    const [page] = contexts;
    if (!page) throw new Error('Firefox has no page');
    await connection.call('browsingContext.navigate', { context: page.context, url: new URL(PAGE, origin).href, wait: 'complete' });
    const evaluate = async (expression: string): Promise<string> => {
      const { result, exceptionDetails } = await connection.call<Evaluated>('script.evaluate', {
        expression,
        target: { context: page.context },
        awaitPromise: true,
        userActivation: true,
      });
      if (!result) throw new Error(exceptionDetails?.text ?? 'nothing came of it');
      return result.value;
    };
    return {
      playing: () => new PagePlayer(evaluate, engine),
      end: async () => {
        connection.close();
        await end(child, profile);
      },
    };
  } catch (error) {
    await end(child, profile);
    throw error;
  }
}

/** Firefox says where it listens. */
async function addressOf(child: ChildProcess): Promise<string> {
  if (!child.stderr) throw new Error('no stderr');
  for await (const line of createInterface({ input: child.stderr })) {
    const address = /ws:\/\/\S+/.exec(line)?.[0];
    if (address === undefined) continue;
    child.stderr.resume();
    return address;
  }
  throw new Error('Firefox did not start');
}

async function end(child: ChildProcess, profile: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
