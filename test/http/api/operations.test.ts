import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operationsRoutes } from '#http/api/operations.ts';
import { createMetrics } from '#src/telemetry/metrics.ts';
import { startForTest } from '../../support/http-server.ts';

const READY = { store: true, workers: true, ffmpeg: true, search: 'ready' } as const;

test('operations: a storm of readers has the metrics collected for a share of the time only, one reader always as they are', async t => {
  let collected = 0;
  const routes = operationsRoutes({
    metrics: createMetrics(),
    readiness: () => READY,
    beforeMetrics: () => {
      collected += 1;
      // As of a server with very much to tell.
      for (const startedMs = performance.now(); performance.now() - startedMs < 100; );
    },
    metricsToken: '',
  });
  const door = await startForTest(t, { routes });
  for (const reader of [1, 2, 3]) {
    await (await fetch(`${door.url}/metrics`)).arrayBuffer();
    assert.equal(collected, reader);
  }
  const answers: Response[] = [];
  for (let reader = 0; reader < 100; reader++) answers.push(await fetch(`${door.url}/metrics`));
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('keep-alive'), 'timeout=8');
    await answer.arrayBuffer();
  }
  assert.ok(collected <= 20, `${collected} times`);
});

test('operations: with a token the metrics are for whoever shows it', async t => {
  const door = await startForTest(t, {
    routes: operationsRoutes({ metrics: createMetrics(), readiness: () => READY, beforeMetrics: () => undefined, metricsToken: 'sesame' }),
  });
  const ask = async (headers: Record<string, string>): Promise<number> => (await fetch(`${door.url}/metrics`, { headers })).status;
  assert.deepEqual(
    [
      await ask({}),
      await ask({ authorization: 'Bearer open' }),
      await ask({ authorization: 'sesame' }),
      await ask({ authorization: 'Bearer sesame' }),
    ],
    [401, 401, 401, 200],
  );
  assert.equal((await fetch(`${door.url}/healthz`)).status, 200);
});
