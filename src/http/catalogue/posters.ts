// Poster addresses and pictures. The address carries its own signature, because an <img> sends no token.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { stat } from 'node:fs/promises';
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import { parseMediaId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { type FileBody, type Route, route } from '#http/contract/route.ts';
import type { PosterFiles } from '#library/posters.ts';
import type { MediaRepository } from '#storage/records/media.ts';

type MediaVersion = Pick<Media, 'id' | 'version'>;

const VERSION_CHARACTERS = 12;

export class PosterLinks {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** Null when the media has no poster. */
  urlOf(media: MediaVersion & Pick<Media, 'hasPoster'>): string | null {
    if (!media.hasPoster) return null;
    return `/api/v1/media/${media.id}/poster?v=${versionOf(media)}&sig=${this.#sign(media).toString('base64url')}`;
  }

  /** Of a picture that was made of a file beside a film. */
  artworkUrl(version: string): string {
    return `/api/v1/artwork/${version}?sig=${this.#signArtwork(version).toString('base64url')}`;
  }

  isArtworkSigned(version: string, signature: string): boolean {
    return isEqual(Buffer.from(signature, 'base64url'), this.#signArtwork(version));
  }

  isSignedFor(media: MediaVersion, signature: string): boolean {
    return isEqual(Buffer.from(signature, 'base64url'), this.#sign(media));
  }

  #signArtwork(version: string): Buffer {
    return createHmac('sha256', this.#key).update(`artwork\0${version}`).digest();
  }

  #sign(media: MediaVersion): Buffer {
    return createHmac('sha256', this.#key).update(`poster\0${media.id}\0${media.version}`).digest();
  }
}

const isEqual = (given: Buffer, right: Buffer): boolean => given.byteLength === right.byteLength && timingSafeEqual(given, right);
const versionOf = ({ version }: MediaVersion): string => version.slice(0, VERSION_CHARACTERS);

export function posterRoute({ media, posters, links }: { media: MediaRepository; posters: PosterFiles; links: PosterLinks }): Route {
  return route({
    method: 'GET',
    path: '/api/v1/media/:mediaId/poster',
    auth: 'none',
    summary: 'The poster picture, at the address that `posterUrl` gave',
    query: Type.Object({ v: Type.String({ maxLength: 64 }), sig: Type.String({ maxLength: 64 }) }),
    responses: { 200: 'image/jpeg', 404: 'no such poster, or not with this signature' },
    handler: async ({ params, query }) => {
      const found = media.get(parseMediaId(params.mediaId));
      // The same answer for every failure: it tells a stranger nothing about which media exist.
      if (found === undefined || !links.isSignedFor(found, query.sig) || query.v !== versionOf(found)) throw noPoster();
      const file = await posterFile(posters.pathOf(found), found);
      return { status: 200, headers: { 'Cache-Control': 'public, max-age=31536000, immutable' }, file };
    },
  });
}

async function posterFile(path: string, { version }: MediaVersion): Promise<FileBody> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw noPoster(cause);
  });
  return { path, byteLength: facts.size, etag: `"${version}"`, lastModifiedMs: facts.mtimeMs, contentType: 'image/jpeg' };
}

const noPoster = (cause?: unknown): FerriteError => new FerriteError('NOT_FOUND', 'there is no such poster', { cause });
