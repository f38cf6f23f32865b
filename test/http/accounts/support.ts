// The routes of accounts behind a real front door.
import type { TestContext } from 'node:test';
import { auditRoute } from '#http/accounts/audit.ts';
import { authRoutes } from '#http/accounts/auth.ts';
import { groupRoutes } from '#http/accounts/groups.ts';
import { RequestAudit } from '#http/accounts/request-audit.ts';
import { userRoutes } from '#http/accounts/users.ts';
import { ClientAddresses } from '#http/contract/client-address.ts';
import { startServer } from '#http/door/server.ts';
import { SetupGuard } from '#src/auth/setup-guard.ts';
import { makeWorld, type World } from '../../auth/support.ts';

type Answer = { readonly status: number; readonly headers: Headers; readonly body: Record<string, unknown> };
type Call = (method: string, path: string, options?: { body?: object; token?: string }) => Promise<Answer>;

export const ADMIN = { username: 'Root', password: 'correct horse' };
export const said: string[] = [];

/** The routes behind a real front door. */
export async function startDoor(t: TestContext): Promise<{ call: Call; world: World }> {
  const world = await makeWorld(t);
  const note = (fields: unknown, text?: string): void => {
    said.push(JSON.stringify([fields, text]));
  };
  const audit = new RequestAudit(world.auth.audit, new ClientAddresses([]));
  const door = await startServer({
    host: '127.0.0.1',
    port: 0,
    routes: [
      ...authRoutes(world.auth, new SetupGuard('127.0.0.1', () => undefined), audit),
      ...userRoutes(world.auth, audit),
      ...groupRoutes(world.auth, audit),
      auditRoute(world.auth.audit),
    ],
    sockets: [],
    authenticate: token => world.auth.authenticate(token),
    corsOrigins: [],
    log: { error: note, warn: note, debug: note },
  });
  t.after(() => door.close(1000));
  const call: Call = async (method, path, { body, token } = {}) => {
    const response = await fetch(`${door.url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
  };
  return { call, world };
}

/** With an administrator, and a viewer, signed in. */
export async function startWithUsers(t: TestContext) {
  const { call, world } = await startDoor(t);
  await call('POST', '/api/v1/setup', { body: ADMIN });
  const admin = (await call('POST', '/api/v1/auth/login', { body: ADMIN })).body;
  const token = String(admin.accessToken);
  const viewer = { username: 'viewer', password: 'popcorn time' };
  const { id } = (await call('POST', '/api/v1/users', { body: viewer, token })).body;
  const login = (await call('POST', '/api/v1/auth/login', { body: viewer })).body;
  return {
    call,
    world,
    admin: { token, refreshToken: String(admin.refreshToken) },
    viewer: { id: String(id), token: String(login.accessToken) },
  };
}
