// For operators and tools: liveness, readiness, metrics, OpenAPI.
import { createHash, timingSafeEqual } from 'node:crypto';
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import { openApiDocument } from '#http/contract/openapi.ts';
import { type Route, route, type SocketRoute } from '#http/contract/route.ts';
import type { Metrics } from '#src/telemetry/metrics.ts';

export type Readiness = { readonly store: boolean; readonly workers: boolean; readonly ffmpeg: boolean };

export type OperationsOptions = {
  readonly metrics: Metrics;
  readonly readiness: () => Readiness;
  /** Brings gauges up to date before they are read. */
  readonly beforeMetrics: () => void;
  /** Empty: everybody may read the metrics. */
  readonly metricsToken: string;
};

/** Collecting walks through every gauge: a storm of readers costs one walk a second. */
const METRICS_KEPT_MS = 1_000;

const Checks = Type.Object({ ready: Type.Boolean(), store: Type.Boolean(), workers: Type.Boolean(), ffmpeg: Type.Boolean() });

export function operationsRoutes({ metrics, readiness, beforeMetrics, metricsToken }: OperationsOptions): Route[] {
  const collect = sharedFor(METRICS_KEPT_MS, async () => {
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

/** Who asks while it is made, or a moment later, gets the same. */
function sharedFor<T>(keptMs: number, make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  let untilMs = 0;
  return () => {
    if (made !== null && performance.now() < untilMs) return made;
    untilMs = performance.now() + keptMs;
    made = make();
    made.catch(() => {
      made = null;
    });
    return made;
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
