// Pictures that lie beside films and shows, at the size in which they are shown. The address carries its own signature, because an <img> sends no token.
import { stat } from 'node:fs/promises';
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { ArtworkFiles } from '#library/metadata/artwork-files.ts';
import type { PosterLinks } from './posters.ts';

const VERSION = /^[0-9a-f]{32}\.(?:jpg|png)$/;

export function artworkRoute({ artwork, links }: { readonly artwork: ArtworkFiles; readonly links: PosterLinks }): Route {
  return route({
    method: 'GET',
    path: '/api/v1/artwork/:version',
    auth: 'none',
    summary: 'A poster, backdrop, banner or logo, at the address that was given for it',
    query: Type.Object({ sig: Type.String({ maxLength: 64 }) }),
    responses: { 200: 'image/jpeg or image/png', 404: 'no such picture, or not with this signature' },
    handler: async ({ params: { version }, query }) => {
      if (!VERSION.test(version) || !links.isArtworkSigned(version, query.sig)) throw noArtwork();
      const path = artwork.pathOf(version);
      const facts = await stat(path).catch((cause: unknown) => {
        throw noArtwork(cause);
      });
      const contentType = version.endsWith('.png') ? 'image/png' : 'image/jpeg';
      return {
        status: 200,
        headers: { 'Cache-Control': 'public, max-age=31536000, immutable' },
        file: { path, byteLength: facts.size, etag: `"${version}"`, lastModifiedMs: facts.mtimeMs, contentType },
      };
    },
  });
}

const noArtwork = (cause?: unknown): FerriteError => new FerriteError('NOT_FOUND', 'there is no such picture', { cause });
