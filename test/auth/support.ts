// A real sign-in service on a real store, with a clock the test sets.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { AuthService } from '#src/auth/auth.ts';
import type { ExternalIssuer } from '#src/auth/external-issuers.ts';
import type { LoginTokens } from '#src/auth/logins.ts';
import { type Database, openDatabase } from '#storage/database.ts';

export const ADDRESS = '192.0.2.7';
export const ADMIN = { username: 'Root', password: 'correct horse' };
export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;

export type Clock = { nowMs: number };

export type World = {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly database: Database;
  readonly auth: AuthService;
  readonly login: (username: string, password: string) => Promise<LoginTokens>;
  /** Ends the service as a stop of the server would, and begins again on the same data. */
  readonly restart: () => Promise<World>;
};

export async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-auth-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function makeWorld(t: TestContext, externalIssuers: readonly ExternalIssuer[] = []): Promise<World> {
  return await openWorld(t, { dataDir: await makeFolder(t), clock: { nowMs: Date.now() }, externalIssuers });
}

async function openWorld(
  t: TestContext,
  settings: { dataDir: string; clock: Clock; externalIssuers: readonly ExternalIssuer[] },
): Promise<World> {
  const { dataDir, clock, externalIssuers } = settings;
  const database = await openDatabase(dataDir);
  const onUpkeepFailed = (error: unknown): void => {
    throw error;
  };
  const auth = await AuthService.open({ database, dataDir, externalIssuers, now: () => clock.nowMs, onUpkeepFailed });
  const close = async (): Promise<void> => {
    await auth.close();
    await database.close();
  };
  t.after(close);
  const login = (username: string, password: string): Promise<LoginTokens> => auth.login({ username, password }, ADDRESS);
  const restart = async (): Promise<World> => {
    await close();
    return await openWorld(t, settings);
  };
  return { dataDir, clock, database, auth, login, restart };
}

/** A service with its administrator, signed in. */
export async function makeWorldWithAdmin(t: TestContext): Promise<World & { admin: LoginTokens }> {
  const world = await makeWorld(t);
  await world.auth.setup(ADMIN);
  return { ...world, admin: await world.login(ADMIN.username, ADMIN.password) };
}

/** Settles what may be an answer at once, a thrown error or a promise. */
export async function settle<T>(answer: () => T | Promise<T>): Promise<T> {
  return await answer();
}
