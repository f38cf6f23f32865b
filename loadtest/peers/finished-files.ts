// What the product delivered, kept as finished files: the same player against nginx instead.
import { HttpClient } from '../client/http-client.ts';
import { type Delivery, type Fetched, openStream } from '../viewers/viewer.ts';
import type { Nginx } from './nginx.ts';

export class Finished {
  /** nginx keeps open what it has served: no name is used twice. */
  static #published = 0;
  readonly #nginx: Nginx;
  readonly #folders: readonly string[];

  /** One folder for each viewer; a film that is played as it is must be there already, as `file.mp4`. */
  static async publish(nginx: Nginx, viewers: readonly (readonly Fetched[])[]): Promise<Finished> {
    const folders = viewers.map(() => `viewer-${Finished.#published++}`);
    for (const [at, files] of viewers.entries()) {
      for (const { path, answer } of files) if (!path.startsWith('file.')) await nginx.publish(`${folders[at]}/${path}`, answer.body);
    }
    return new Finished(nginx, folders);
  }

  private constructor(nginx: Nginx, folders: readonly string[]) {
    this.#nginx = nginx;
    this.#folders = folders;
  }

  /** All viewers at once; milliseconds of each from its first request to the last byte it needs. */
  openAll(delivery: Delivery, positions: readonly number[]): Promise<number[]> {
    return Promise.all(
      this.#folders.map(async (folder, at) => {
        const http = new HttpClient(this.#nginx.url);
        const startedMs = performance.now();
        try {
          const streamUrl = delivery === 'direct' ? '/file.mp4' : `/${folder}/main.m3u8`;
          await openStream(http, { streamUrl, delivery, positionMs: positions[at] ?? 0 });
          return performance.now() - startedMs;
        } finally {
          http.close();
        }
      }),
    );
  }
}
