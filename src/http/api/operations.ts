// For operators and tools: liveness, readiness, metrics, OpenAPI.
import { createHash, timingSafeEqual } from 'node:crypto';
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import { openApiDocument } from '#http/contract/openapi.ts';
import { type Route, route, type SocketRoute } from '#http/contract/route.ts';
import type { Metrics } from '#src/telemetry/metrics.ts';

export type Readiness = {
  readonly store: boolean;
  readonly workers: boolean;
  readonly ffmpeg: boolean;
  /** Without its index a search is slower, and work goes on. */
  readonly search: 'ready' | 'building' | 'unavailable';
};

export type OperationsOptions = {
  readonly metrics: Metrics;
  readonly readiness: () => Readiness;
  /** Brings gauges up to date before they are read. */
  readonly beforeMetrics: () => void;
  /** Empty: everybody may read the metrics. */
  readonly metricsToken: string;
};

/** Collecting walks through every gauge, some milliseconds: a storm of readers costs a tenth of the time, and is then given what was collected last. */
const COLLECTING_SHARE = 0.1;
/** Readers that come now and then always get what is true now. */
const COLLECTING_BURST_MS = 1_000;

const Checks = Type.Object({
  ready: Type.Boolean(),
  store: Type.Boolean(),
  workers: Type.Boolean(),
  ffmpeg: Type.Boolean(),
  search: Type.Union([Type.Literal('ready'), Type.Literal('building'), Type.Literal('unavailable')]),
});

export function operationsRoutes({ metrics, readiness, beforeMetrics, metricsToken }: OperationsOptions): Route[] {
  const collect = withinShare(async () => {
    beforeMetrics();
    return Buffer.from(await metrics.registry.metrics());
  });
  return [
    route({
      method: 'GET',
      path: '/healthz',
      auth: 'none',
      summary: 'The process is alive',
      responses: { 200: Type.Object({ status: Type.Literal('ok') }) },
      handler: () => ({ status: 200, json: { status: 'ok' } }),
    }),
    route({
      method: 'GET',
      path: '/readyz',
      auth: 'none',
      summary: 'Work can be taken in: store, session hosts, ffmpeg',
      responses: { 200: Checks, 503: Checks },
      handler: () => {
        const checks = readiness();
        const ready = checks.store && checks.workers && checks.ffmpeg;
        return { status: ready ? 200 : 503, json: { ready, ...checks } };
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      auth: 'none',
      summary: 'Prometheus text',
      responses: { 200: 'text/plain', 401: 'FERRITE_METRICS_TOKEN is set, and was not sent as a Bearer token' },
      handler: async ({ header }) => {
        if (metricsToken !== '' && !isSame(header('authorization'), `Bearer ${metricsToken}`))
          throw new FerriteError('UNAUTHENTICATED', 'the metrics need their token');
        return { status: 200, bytes: await collect(), contentType: metrics.registry.contentType };
      },
    }),
  ];
}

/** Describes every route, itself too. */
export function openApiRoute(routes: readonly Route[], sockets: readonly SocketRoute[]): Route {
  const self: Route = route({
    method: 'GET',
    path: '/openapi.json',
    auth: 'none',
    summary: 'This description (OpenAPI 3.1)',
    responses: { 200: 'application/json' },
    handler: () => ({ status: 200, json: document }),
  });
  const document = openApiDocument([...routes, self], sockets);
  return self;
}

/**
 * Makes it anew for everybody who asks, one after the other, as long as that takes no more than its share of the time; else gives what was
 * made last. Those who ask while one is being made share the next: it tells what was true when they asked.
 */
function withinShare<T>(make: () => Promise<T>): () => Promise<T> {
  let last: Promise<T> | null = null;
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | null = null;
  let leftMs = COLLECTING_BURST_MS;
  let countedAtMs = performance.now();
  const begin = async (): Promise<T> => {
    next = null;
    const startedMs = performance.now();
    try {
      return await make();
    } finally {
      leftMs -= performance.now() - startedMs;
    }
  };
  return () => {
    const nowMs = performance.now();
    leftMs = Math.min(COLLECTING_BURST_MS, leftMs + (nowMs - countedAtMs) * COLLECTING_SHARE);
    countedAtMs = nowMs;
    if (last !== null && leftMs <= 0) return last;
    if (next !== null) return next;
    const made = running.then(begin);
    next = made;
    last = made;
    running = made.catch(() => {
      if (last === made) last = null;
    });
    return made;
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
