// Requests exactly as written: no path is tidied up, no length corrected, as a hostile client would send them.
import { request } from 'node:http';

export type RawAnswer = {
  readonly status: number;
  readonly contentType: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
};

export function rawRequest(
  url: string,
  { method = 'GET', path, headers = {}, body }: { method?: string; path: string; headers?: Record<string, string>; body?: string | Buffer },
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const outgoing = request({ hostname, port, method, path, headers: { ...headers, ...length }, agent: false }, response => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        contentType: String(response.headers['content-type'] ?? ''),
        headers: response.headers,
        text: Buffer.concat(chunks).toString('latin1'),
      }),
    );
  });
  outgoing.setTimeout(20_000, () => outgoing.destroy(new Error(`no answer to ${method} ${path.slice(0, 100)}`)));
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}
