// One playlist as bytes, plain and compressed: each made the first time it is asked for, then kept with the playlist.
import { createHash } from 'node:crypto';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** The smallest first. */
export const ENCODINGS = ['br', 'gzip'] as const;
export type Encoding = (typeof ENCODINGS)[number] | 'identity';

/** `etag` has its quotes; it is another one for other bytes of the same playlist. */
export type EncodedPlaylist = { readonly bytes: Buffer; readonly etag: string; readonly encoding: Encoding };

/** A head for the encoding costs some 50 bytes; below this nothing is gained. */
const MIN_COMPRESSED_BYTES = 256;
/** 11, the highest, takes a hundred times as long for a few per cent. */
const BROTLI_QUALITY = 5;

export class Playlist {
  readonly plain: EncodedPlaylist;
  readonly #tag: string;
  readonly #compressed = new Map<Encoding, EncodedPlaylist>();

  constructor(text: string) {
    const bytes = Buffer.from(text, 'utf8');
    this.#tag = createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
    this.plain = { bytes, etag: `"${this.#tag}"`, encoding: 'identity' };
  }

  /** The plain bytes where compressed ones would not be fewer. */
  as(encoding: Encoding): EncodedPlaylist {
    if (encoding === 'identity' || this.plain.bytes.byteLength < MIN_COMPRESSED_BYTES) return this.plain;
    const known = this.#compressed.get(encoding);
    if (known) return known;
    const bytes = compress(this.plain.bytes, encoding);
    const made = bytes.byteLength < this.plain.bytes.byteLength ? { bytes, etag: `"${this.#tag}-${encoding}"`, encoding } : this.plain;
    this.#compressed.set(encoding, made);
    return made;
  }
}

function compress(bytes: Buffer, encoding: Exclude<Encoding, 'identity'>): Buffer {
  switch (encoding) {
    case 'gzip':
      return gzipSync(bytes, { level: constants.Z_DEFAULT_COMPRESSION });
    case 'br':
      return brotliCompressSync(bytes, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
          [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
        },
      });
  }
}
