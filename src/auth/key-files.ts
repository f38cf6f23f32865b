// Signing keys on disk: one JWK file each, that only the server's account can read.
import { randomBytes } from 'node:crypto';
import { chmod, type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK } from 'jose';
import { FerriteError } from '#domain/errors.ts';

export const ALGORITHM = 'EdDSA';

/** A JWK with our own members, which other readers must ignore (RFC 7517, 4). `d` is gone once the key is retired. */
export type KeyFile = {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly d?: string;
  readonly kid: string;
  readonly createdAtMs: number;
  readonly retiredAtMs: number | null;
};

export type SigningKey = { readonly file: KeyFile; readonly verifier: CryptoKey; readonly signer: CryptoKey | null };

const fileName = (kid: string): string => `${kid}.json`;

export async function makeKeyFile(createdAtMs: number): Promise<KeyFile> {
  const pair = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true });
  const { x, d } = await exportJWK(pair.privateKey);
  const kid = randomBytes(9).toString('base64url');
  return parseKeyFile({ kty: 'OKP', crv: 'Ed25519', x, d, kid, createdAtMs, retiredAtMs: null }, kid);
}

export async function importKey(file: KeyFile): Promise<SigningKey> {
  const { kty, crv, x, d } = file;
  const verifier = await asCryptoKey(importJWK({ kty, crv, x }, ALGORITHM));
  const signer = d === undefined ? null : await asCryptoKey(importJWK({ kty, crv, x, d }, ALGORITHM));
  return { file, verifier, signer };
}

async function asCryptoKey(key: Promise<CryptoKey | Uint8Array>): Promise<CryptoKey> {
  const imported = await key;
  if (imported instanceof Uint8Array) throw new FerriteError('STORAGE_FAILED', 'a signing key is not a key pair');
  return imported;
}

/** Makes the folder where there is none. */
export async function readKeyFiles(folder: string): Promise<KeyFile[]> {
  return await storing(async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    const names = await readdir(folder);
    // A file left by a process that ended between writing and renaming; its key has signed nothing.
    for (const name of names.filter(name => name.endsWith('.tmp'))) await rm(join(folder, name), { force: true });
    return await Promise.all(names.filter(name => name.endsWith('.json')).map(name => readKeyFile(folder, name)));
  });
}

async function readKeyFile(folder: string, name: string): Promise<KeyFile> {
  const path = join(folder, name);
  await chmod(path, 0o600);
  return parseKeyText(await readFile(path, 'utf8'), name);
}

/** Whole or not at all: written aside, flushed, renamed, and the folder flushed. */
export async function writeKeyFile(folder: string, file: KeyFile): Promise<void> {
  await storing(async () => {
    const path = join(folder, fileName(file.kid));
    const aside = `${path}.tmp`;
    await withHandle(await open(aside, 'w', 0o600), async handle => {
      await handle.writeFile(JSON.stringify(file));
      await handle.sync();
    });
    await rename(aside, path);
    await withHandle(await open(folder, 'r'), handle => handle.sync());
  });
}

export async function removeKeyFile(folder: string, kid: string): Promise<void> {
  await storing(() => rm(join(folder, fileName(kid)), { force: true }));
}

async function withHandle(handle: FileHandle, use: (handle: FileHandle) => Promise<void>): Promise<void> {
  try {
    await use(handle);
  } finally {
    await handle.close();
  }
}

async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof FerriteError
      ? error
      : new FerriteError('STORAGE_FAILED', 'the signing keys can not be read or written', { cause: error });
  }
}

function parseKeyText(text: string, name: string): KeyFile {
  try {
    return parseKeyFile(JSON.parse(text), name);
  } catch (error) {
    throw error instanceof SyntaxError ? damaged(name, error) : error;
  }
}

function parseKeyFile(value: unknown, name: string): KeyFile {
  if (typeof value !== 'object' || value === null) throw damaged(name, null);
  const { kty, crv, x, d, kid, createdAtMs, retiredAtMs } = value as Record<string, unknown>;
  const isPair = kty === 'OKP' && crv === 'Ed25519' && typeof x === 'string' && (d === undefined || typeof d === 'string');
  const isDated = typeof createdAtMs === 'number' && (retiredAtMs === null || typeof retiredAtMs === 'number');
  if (!isPair || !isDated || typeof kid !== 'string') throw damaged(name, null);
  return { kty, crv, x, ...(d === undefined ? {} : { d }), kid, createdAtMs, retiredAtMs };
}

const damaged = (name: string, cause: unknown): FerriteError =>
  new FerriteError('STORAGE_FAILED', `the signing key file "${name}" is damaged: restore it, or remove it and everybody signs in again`, {
    cause,
  });
