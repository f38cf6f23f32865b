import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { mediaIdFor, newLibraryId, newSessionId } from '#domain/ids.ts';
import { Emitter } from '#src/events.ts';
import { HostThread } from '#src/threads/host-thread.ts';

test('host thread: no request waits for ever, and one that was given up is cancelled', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { port1, port2 } = new MessageChannel();
  t.after(() => port2.close());
  const told = new Promise<unknown[]>(resolve => {
    const messages: unknown[] = [];
    port2.on('message', message => {
      if (messages.push(message) === 4) resolve(messages);
    });
  });
  const thread = new HostThread({
    port: port1,
    begun: new Int32Array(1),
    events: new Emitter(),
    onStalled: () => assert.fail('it stalled'),
  });
  t.after(() => thread.lose());
  const on = { mediaId: mediaIdFor(newLibraryId(), 'a.mp4'), sessionId: newSessionId() };
  const described = thread.request('session.describe', on);
  const prepared = thread.request('segment.prepare', {
    ...on,
    ...{
      track: { kind: 'audio', track: 0 },
      name: 0,
      positionMs: 0,
      isHint: false,
      isAhead: false,
      mayEncode: false,
      mayRunBeside: false,
      untilIndex: null,
    },
  });
  const outcomes = Promise.allSettled([described, prepared]);
  t.mock.timers.tick(10_000);
  await assert.rejects(described, { code: 'WORKER_LOST' });
  t.mock.timers.tick(120_000);
  await assert.rejects(prepared, { code: 'ENCODE_STALLED' });
  await outcomes;
  assert.deepEqual((await told).slice(2), [
    { kind: 'cancel', id: 1 },
    { kind: 'cancel', id: 2 },
  ]);
});
