// A server with films of a test's own making, and what every refusal of it must look like.
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Client, type MediaItem, type Problem, type Started } from './client.ts';
import { startServer, type TestServer, temporaryFolder } from './server.ts';

type Answer = { readonly status: number; readonly contentType: string; readonly text: string };

export type World = {
  readonly server: TestServer;
  readonly client: Client;
  readonly library: string;
  readonly scratch: string;
  readonly dataDir: string;
  /** Whether its words are joined by spaces or dashes. */
  film(title: string): MediaItem;
};

export async function startWorld(t: TestContext, makeFilms: (library: string, scratch: string) => Promise<unknown>): Promise<World> {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  await makeFilms(library, scratch);
  const dataDir = join(scratch, 'data');
  const server = await startServer(t, { library, dataDir, env: { TMPDIR: scratch, FERRITE_MAX_TRANSCODES: '50' } });
  const client = await Client.signIn(server.url);
  const films = await client.media();
  const plain = (title: string): string => title.toLowerCase().replaceAll('-', ' ');
  const film = (title: string): MediaItem => {
    const found = films.find(one => plain(one.title) === plain(title));
    assert.ok(found, `no film ${title} among ${films.map(one => one.title).join(', ')}`);
    return found;
  };
  return { server, client, library, scratch, dataDir, film };
}

/** What a player gets of one rendition from some segment on, as a file. */
export async function servedFile({ client, scratch }: World, session: Started, path: string, first = 0): Promise<string> {
  const { durationsS } = (await client.renditions(session)).find(one => one.path === path) ?? assert.fail(path);
  const parts = [await client.init(session, path)];
  for (let index = first; index < durationsS.length; index++) parts.push(await client.segment(session, path, index));
  const file = join(scratch, `${session.sessionId}-${path.replace('/', '-')}.mp4`);
  await rm(file, { force: true });
  await writeFile(file, Buffer.concat(parts));
  return file;
}

/** A problem with a code, and nothing of the machine it comes from. */
export function assertProblem(what: string, { status, contentType, text }: Answer, scratch: string): Problem {
  assert.ok(status >= 400 && status !== 500, `${what}: ${status} ${text.slice(0, 300)}`);
  assert.equal(contentType, 'application/problem+json', `${what}: ${status} ${text.slice(0, 300)}`);
  assertTellsNothing(what, text, scratch);
  const problem = JSON.parse(text) as Problem;
  assert.match(problem.code, /^[A-Z_]+$/, what);
  assert.equal(problem.status, status, what);
  assert.ok(problem.detail.length > 0, what);
  return problem;
}

export function assertTellsNothing(what: string, text: string, scratch: string): void {
  for (const secret of [scratch, import.meta.dirname, 'node_modules', 'node:internal', '    at ', '.ts:'])
    assert.ok(!text.includes(secret), `${what} tells ${secret}: ${text.slice(0, 300)}`);
}

export async function assertHealthy({ client, server }: World): Promise<void> {
  for (const path of ['/healthz', '/readyz']) assert.equal((await client.fetch(path)).status, 200, path);
  assert.equal(server.process.exitCode, null);
  assert.deepEqual(
    server.lines.filter(({ level }) => Number(level) >= 50),
    [],
    'no error was logged',
  );
}

export const answerOf = async (response: Response): Promise<Answer> => ({
  status: response.status,
  contentType: response.headers.get('content-type') ?? '',
  text: await response.text(),
});
