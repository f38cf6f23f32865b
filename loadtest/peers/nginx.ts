// nginx on loopback, one process, serving a folder of finished files: the limit for everything that is only delivered.

import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HttpClient } from '../client/http-client.ts';
import { spawnOn, stopChild } from '../machine/processes.ts';

const SECRET = 'loadtest';
const START_DEADLINE_MS = 10_000;
const RETRY_MS = 50;
const SIGNED_FOR_S = 86_400;

export class Nginx {
  readonly url: string;
  readonly #folder: string;
  readonly #process: ChildProcess;

  /** @param idleTimeoutS after which it closes a connection that asks for nothing, or for nothing whole; null: as nginx comes */
  static async start(core: number | null, idleTimeoutS: number | null = null): Promise<Nginx> {
    const folder = await mkdtemp(join(tmpdir(), 'ferrite-nginx-'));
    await mkdir(join(folder, 'files'));
    const port = await freePort();
    await writeFile(join(folder, 'nginx.conf'), configuration(folder, port, idleTimeoutS));
    const child = spawnOn(core, 'nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'inherit'] });
    const nginx = new Nginx(folder, `http://127.0.0.1:${port}`, child);
    await nginx.#ready();
    return nginx;
  }

  private constructor(folder: string, url: string, child: ChildProcess) {
    this.#folder = folder;
    this.url = url;
    this.#process = child;
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error('nginx has no process');
    return this.#process.pid;
  }

  async publish(path: string, bytes: Buffer): Promise<void> {
    await mkdir(dirname(this.#pathOf(path)), { recursive: true });
    await writeFile(this.#pathOf(path), bytes);
  }

  async publishFile(path: string, source: string): Promise<void> {
    await link(source, this.#pathOf(path)).catch(() => copyFile(source, this.#pathOf(path)));
  }

  /** An address that the secure_link module lets pass. */
  signed(path: string): string {
    const expires = Math.floor(Date.now() / 1000) + SIGNED_FOR_S;
    const signature = createHash('md5').update(`${expires}/signed/${path} ${SECRET}`).digest('base64url');
    return `/signed/${path}?md5=${signature}&expires=${expires}`;
  }

  async stop(): Promise<void> {
    await stopChild(this.#process);
    await rm(this.#folder, { recursive: true, force: true });
  }

  #pathOf(path: string): string {
    return join(this.#folder, 'files', path);
  }

  async #ready(): Promise<void> {
    const http = new HttpClient(this.url);
    const giveUpAtMs = performance.now() + START_DEADLINE_MS;
    await this.publish('ready', Buffer.from('yes'));
    try {
      for (;;) {
        const isUp = await http.get('/ready').then(
          () => true,
          () => false,
        );
        if (isUp) return;
        if (performance.now() > giveUpAtMs) throw new Error('nginx did not start');
        await delay(RETRY_MS);
      }
    } catch (error) {
      await this.stop();
      throw error;
    } finally {
      http.close();
    }
  }
}

/** One process, as the CPU of one core is what is compared; open files cached, sendfile: nginx at its best. */
function configuration(folder: string, port: number, idleTimeoutS: number | null): string {
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `  ${kind}_temp_path ${folder}/${kind};`);
  const timeouts = idleTimeoutS === null ? '' : `keepalive_timeout ${idleTimeoutS}s; client_header_timeout ${idleTimeoutS}s;`;
  return `${user}
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 16384; }
http {
${temporary.join('\n')}
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  ${timeouts}
  open_file_cache max=1000 inactive=300s;
  open_file_cache_valid 300s;
  types { application/vnd.apple.mpegurl m3u8; video/mp4 mp4 m4s; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    root ${folder}/files;
    location /signed/ {
      secure_link $arg_md5,$arg_expires;
      secure_link_md5 "$secure_link_expires$uri ${SECRET}";
      if ($secure_link = "") { return 403; }
      if ($secure_link = "0") { return 410; }
      alias ${folder}/files/;
    }
  }
}
`;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise(resolve => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
