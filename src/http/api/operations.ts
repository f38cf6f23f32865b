// For operators and tools: liveness, readiness, metrics, OpenAPI.
import Type from 'typebox';
import { openApiDocument } from '#http/contract/openapi.ts';
import { type Route, route, type SocketRoute } from '#http/contract/route.ts';
import type { Metrics } from '#src/telemetry/metrics.ts';

export type Readiness = { readonly store: boolean; readonly workers: boolean; readonly ffmpeg: boolean };

export type OperationsOptions = {
  readonly metrics: Metrics;
  readonly readiness: () => Readiness;
  /** Brings gauges up to date before they are read. */
  readonly beforeMetrics: () => void;
};

const Checks = Type.Object({ ready: Type.Boolean(), store: Type.Boolean(), workers: Type.Boolean(), ffmpeg: Type.Boolean() });

export function operationsRoutes({ metrics, readiness, beforeMetrics }: OperationsOptions): Route[] {
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
      responses: { 200: 'text/plain' },
      handler: async () => {
        beforeMetrics();
        return { status: 200, bytes: Buffer.from(await metrics.registry.metrics()), contentType: metrics.registry.contentType };
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
