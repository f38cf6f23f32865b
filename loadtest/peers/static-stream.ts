// The very files of a session, all made beforehand and served from memory: what a player does beside it is the network's doing and its own.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { posix } from 'node:path';
import type { HttpClient } from '../client/http-client.ts';

type StaticFile = { readonly bytes: Buffer; readonly contentType: string };

const MULTIVARIANT = 'main.m3u8';
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.mp4': 'video/mp4',
  '.m4s': 'video/mp4',
};

export class StaticStream {
  readonly #server: Server;

  /** Downloads all that the multivariant playlist leads to, one file after another. */
  static async copyOf(http: HttpClient, streamUrl: string, say: (line: string) => void): Promise<StaticStream> {
    const folder = streamUrl.replace(/[^/]+$/, '');
    const files = new Map<string, StaticFile>();
    const fetch = async (path: string): Promise<string> => {
      if (!files.has(path)) {
        const { body } = await http.get(folder + path);
        files.set(path, { bytes: body, contentType: CONTENT_TYPES[posix.extname(path)] ?? 'application/octet-stream' });
      }
      return path.endsWith('.m3u8') ? String(files.get(path)?.bytes) : '';
    };
    for (const playlist of urisOf(await fetch(MULTIVARIANT))) {
      say(`copying ${playlist}`);
      for (const file of urisOf(await fetch(playlist))) await fetch(posix.join(posix.dirname(playlist), file));
    }
    const stream = new StaticStream(files);
    stream.#server.listen(0, '127.0.0.1');
    await once(stream.#server, 'listening');
    return stream;
  }

  private constructor(files: ReadonlyMap<string, StaticFile>) {
    this.#server = createServer((request, response) => {
      const file = files.get((request.url ?? '').slice(1));
      const known = file ?? { bytes: Buffer.from('no such file'), contentType: 'text/plain' };
      response.writeHead(file ? 200 : 404, { 'Content-Type': known.contentType, 'Content-Length': known.bytes.byteLength });
      response.end(known.bytes);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get streamPath(): string {
    return `/${MULTIVARIANT}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const urisOf = (playlist: string): string[] => [
  ...playlist
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.trim()),
  ...[...playlist.matchAll(/^#EXT-X-(?:MEDIA|MAP):.*?URI="([^"]+)"/gm)].flatMap(([, uri]) => uri ?? []),
];
