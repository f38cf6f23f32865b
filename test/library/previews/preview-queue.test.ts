// When small pictures are made: in the background one film after the other, and first of all for who looks at a film.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { PREVIEW_FORMAT, PREVIEW_INDEX } from '#domain/trick-play/previews.ts';
import { PreviewFiles } from '#library/previews/preview-files.ts';
import { PreviewQueue } from '#library/previews/preview-queue.ts';
import { temporaryFolder } from '../../support/run-tool.ts';
import { aMap, aTitle, everyS } from '../../support/titles.ts';

const NEVER = new AbortController().signal;

/** Films by these names; each is made when the test says so, and fails with what it says. */
async function start(t: TestContext, names: readonly string[], { quietMs = 0, maxBytes = 1_000 } = {}) {
  const films = new Map(names.map(name => [name as MediaId, aTitle({ id: name as MediaId, version: 'v1', path: `/films/${name}` })]));
  const files = new PreviewFiles(await temporaryFolder(t), maxBytes);
  const begun: string[] = [];
  const steps = new Map<string, PromiseWithResolvers<void>>();
  const step = (name: string): PromiseWithResolvers<void> => {
    const known = steps.get(name) ?? Promise.withResolvers<void>();
    steps.set(name, known);
    return known;
  };
  const started = new Map(names.map(name => [name, Promise.withResolvers<void>()]));
  const warnings: string[] = [];
  const queue = new PreviewQueue({
    media: { all: () => films.values(), get: (id: MediaId) => films.get(id) } as never,
    keyframes: { get: () => aMap(everyS(2, 30), 60) } as never,
    files,
    make: async ({ path, folder }) => {
      const name = path.replace('/films/', '');
      begun.push(name);
      started.get(name)?.resolve();
      await step(name).promise;
      await writeFile(join(folder, PREVIEW_INDEX), JSON.stringify({ format: PREVIEW_FORMAT, ends: [1, 2], byteLength: 100 }));
    },
    quietMs,
    log: { warn: (_, message) => warnings.push(message) },
  });
  // No timer of the queue keeps a process alive.
  const alive = setInterval(() => undefined, 1_000);
  t.after(() => {
    clearInterval(alive);
    for (const name of names) step(name).resolve();
    return queue.stop();
  });
  const film = (name: string): Media => films.get(name as MediaId) ?? assert.fail(name);
  const add = (...ids: string[]): void => {
    for (const id of ids) queue.add(id as MediaId);
  };
  return { queue, files, films, film, begun, step, started: (name: string) => started.get(name)?.promise, add, warnings };
}

test('preview queue: one film after the other, and a film that somebody looks at goes before all that wait', async t => {
  const { queue, film, begun, step, started, add } = await start(t, ['a', 'b', 'c']);
  add('a', 'b', 'c');
  await started('a');
  const wanted = queue.want(film('c'), NEVER);
  for (const name of ['a', 'c']) step(name).resolve();
  assert.notEqual(await wanted, null);
  assert.deepEqual(begun.slice(0, 2), ['a', 'c']);
  step('b').resolve();
  await started('b');
});

test('preview queue: in the quiet time nothing is made but what is looked at, and that once for all who wait', async t => {
  const { queue, film, begun, step, add } = await start(t, ['a', 'b'], { quietMs: 3_600_000 });
  add('a', 'b');
  const both = [queue.want(film('b'), NEVER), queue.want(film('b'), NEVER)];
  step('b').resolve();
  const [one, other] = await Promise.all(both);
  assert.deepEqual(one, other);
  assert.notEqual(one, null);
  await queue.want(film('b'), NEVER);
  assert.deepEqual(begun, ['b']);
});

test('preview queue: a film without pictures is told so at once the next time; what failed otherwise is tried again', async t => {
  const { queue, film, begun, step, warnings } = await start(t, ['broken', 'unlucky']);
  step('broken').promise.catch(() => undefined);
  step('broken').reject(new FerriteError('MEDIA_UNREADABLE', 'no picture can be decoded'));
  assert.equal(await queue.want(film('broken'), NEVER), null);
  assert.equal(await queue.want(film('broken'), NEVER), null);
  step('unlucky').promise.catch(() => undefined);
  step('unlucky').reject(new FerriteError('STORAGE_FAILED', 'the disk is full'));
  assert.equal(await queue.want(film('unlucky'), NEVER), null);
  assert.equal(await queue.want(film('unlucky'), NEVER), null);
  assert.deepEqual(begun, ['broken', 'unlucky', 'unlucky']);
  assert.deepEqual(warnings, ['no small pictures', 'no small pictures for now', 'no small pictures for now']);
});

test('preview queue: whoever goes away waits no more, and a film that changes while it is read keeps nothing of before', async t => {
  const { queue, files, films, film, step, started } = await start(t, ['a']);
  const gone = new AbortController();
  const before = film('a');
  const wanted = queue.want(before, gone.signal);
  await started('a');
  gone.abort(new FerriteError('CANCELLED', 'the client went away'));
  await assert.rejects(wanted, { code: 'CANCELLED' });
  films.set(before.id, { ...before, version: 'v2' });
  step('a').resolve();
  await queue.whenIdle();
  assert.equal(files.get(before), undefined);
});

test('preview queue: a full shelf is filled no further by films that nobody looks at', async t => {
  const { queue, film, begun, step, started, add } = await start(t, ['a', 'b', 'c'], { maxBytes: 100 });
  for (const name of ['a', 'b', 'c']) step(name).resolve();
  add('a', 'b');
  await started('a');
  await queue.whenIdle();
  assert.deepEqual(begun, ['a']);
  assert.notEqual(await queue.want(film('c'), NEVER), null);
  assert.deepEqual(begun, ['a', 'c']);
});
