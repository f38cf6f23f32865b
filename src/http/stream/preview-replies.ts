// A film's small pictures as replies: tiles, and segments of the rendition of keyframes. The first that is asked for has them made, before all others.
import { open, stat } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';
import type { Media } from '#domain/media.ts';
import type { SegmentName } from '#domain/rendition.ts';
import type { Reply } from '#http/contract/route.ts';
import { type KeptPreviews, segmentsPath, tilePath } from '#library/previews/preview-files.ts';

export type Previews = {
  /** Null where there are none to be had. */
  want(media: Media, signal: AbortSignal): Promise<KeptPreviews | null>;
};

export type WantedPreview = { readonly of: 'tile' | 'iframe'; readonly name: SegmentName };

/** Then the player may do something else, and ask again. */
const WAIT_MS = 15_000;

export async function previewReply(
  previews: Previews,
  media: Media,
  wanted: WantedPreview,
  { signal, headers }: { signal: AbortSignal; headers: Readonly<Record<string, string>> },
): Promise<Reply> {
  const kept = await whenMade(previews, media, signal);
  if (kept === null) throw new FerriteError('SEGMENT_NOT_FOUND', 'the film has no small pictures');
  return wanted.of === 'tile' ? tile(kept, media, wanted.name, headers) : iframe(kept, media, wanted.name, headers);
}

async function whenMade(previews: Previews, media: Media, signal: AbortSignal): Promise<KeptPreviews | null> {
  const patience = AbortSignal.timeout(WAIT_MS);
  try {
    return await previews.want(media, AbortSignal.any([signal, patience]));
  } catch (cause) {
    if (patience.aborted && !signal.aborted) throw new FerriteError('PREVIEWS_NOT_READY', 'they are being made', { cause });
    throw signal.aborted ? new FerriteError('CANCELLED', 'the client went away', { cause }) : cause;
  }
}

async function tile(kept: KeptPreviews, { version }: Media, name: SegmentName, headers: Readonly<Record<string, string>>): Promise<Reply> {
  if (name === 'init') throw noSuch();
  const path = tilePath(kept, name);
  const facts = await stat(path).catch((cause: unknown) => {
    throw noSuch(cause);
  });
  const etag = `"${version}-tile-${name}-${facts.size.toString(36)}"`;
  return { status: 200, headers, file: { path, byteLength: facts.size, etag, lastModifiedMs: facts.mtimeMs, contentType: 'image/jpeg' } };
}

async function iframe(
  kept: KeptPreviews,
  { version }: Media,
  name: SegmentName,
  headers: Readonly<Record<string, string>>,
): Promise<Reply> {
  const position = name === 'init' ? 0 : name + 1;
  const end = kept.ends[position];
  const start = position === 0 ? 0 : kept.ends[position - 1];
  if (end === undefined || start === undefined) throw noSuch();
  const bytes = await readPart(segmentsPath(kept), start, end);
  return { status: 200, headers, bytes, contentType: 'video/mp4', etag: `"${version}-iframe-${name}-${bytes.byteLength.toString(36)}"` };
}

/** They may have had to make room a moment ago. */
async function readPart(path: string, start: number, end: number): Promise<Uint8Array> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw noSuch(cause);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(end - start), 0, end - start, start);
    if (bytesRead < end - start) throw noSuch();
    return buffer;
  } finally {
    await file.close();
  }
}

const noSuch = (cause?: unknown): FerriteError => new FerriteError('SEGMENT_NOT_FOUND', 'there is no such small picture', { cause });
