// WebKitGTK with a small browser of its own, on a screen in memory, driven over WebDriver.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { until } from '../../support/processes.ts';
import { freePort } from '../../support/server.ts';
import type { PlayerProgram } from '../player.ts';
import { type Engine, PAGE, PagePlayer } from './page-player.ts';

const BROWSER = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';
const SCRIPT_DEADLINE_MS = 120_000;

export async function startWebkit(origin: string, engine: Engine): Promise<PlayerProgram> {
  const children: ChildProcess[] = [];
  const end = async (): Promise<void> => {
    for (const child of children.reverse()) await stop(child);
  };
  try {
    const screen = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      detached: true,
    });
    children.push(screen);
    const display = await firstLine(screen.stdio[3] as Readable, screen);
    const port = await freePort();
    const driver = spawn('WebKitWebDriver', [`--port=${port}`], {
      stdio: 'ignore',
      detached: true,
      env: {
        ...process.env,
        DISPLAY: `:${display}`,
        // Containers have neither a sandbox for its processes nor a graphics card.
        WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
        WEBKIT_DISABLE_DMABUF_RENDERER: '1',
        LIBGL_ALWAYS_SOFTWARE: '1',
        GDK_BACKEND: 'x11',
        // Its own HLS is built in and turned off.
        WEBKIT_GST_ENABLE_HLS_SUPPORT: '1',
      },
    });
    children.push(driver);
    const call = async <T>(path: string, body: unknown): Promise<T> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(SCRIPT_DEADLINE_MS),
      });
      const { value } = (await response.json()) as { value: T & { message?: string } };
      if (!response.ok) throw new Error(`WebKit: ${value.message}`);
      return value;
    };
    await until('WebKitWebDriver answers', () =>
      fetch(`http://127.0.0.1:${port}/status`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    const options = { binary: BROWSER, args: ['--automation', '--autoplay-policy=allow'] };
    const { sessionId } = await call<{ sessionId: string }>('/session', {
      capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': options, timeouts: { script: SCRIPT_DEADLINE_MS } } },
    });
    const session = `/session/${sessionId}`;
    await call(`${session}/url`, { url: new URL(PAGE, origin).href });
    const evaluate = (expression: string): Promise<string> =>
      call<string>(`${session}/execute/async`, { script: `${expression}.then(arguments[arguments.length - 1])`, args: [] });
    return { playing: () => new PagePlayer(evaluate, engine, false), end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function firstLine(stream: Readable, child: ChildProcess): Promise<string> {
  child.once('error', () => stream.destroy());
  for await (const line of createInterface({ input: stream })) return line;
  throw new Error('no screen: apt-get install xvfb');
}

/** With what it has started: each is the first of its group. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await exited;
}
