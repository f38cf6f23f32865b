// The files that subtitles are burned in from: the source of a track with the fonts of its film, or its text in our own words.
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EncodeJob } from '#actors/effects.ts';
import type { KeyframeMap, Rational } from '#domain/media.ts';
import { type BurnedTrack, renditionKey, type SubtitleRendition } from '#domain/rendition.ts';
import { sourceOffsetMs } from '#domain/subtitles/clock.ts';
import { isStyled, subtitleKind } from '#domain/subtitles/tracks.ts';
import type { Burning } from '#workers/encoders/burning.ts';
import { canvasOf } from '#workers/subtitles/pictures/pgs.ts';
import type { SourceFilm, SubtitleSources } from '#workers/subtitles/sources/sources.ts';
import type { SubtitleTracks } from '#workers/subtitles/subtitle-tracks.ts';
import { writeScript } from './cue-script.ts';

/** The first segment of a file of pictures says how large its screen is. */
const HEAD_BYTES = 4_096;

type Clock = { readonly keyframes: KeyframeMap; readonly frameRate: Rational };

export class SubtitleBurns {
  readonly #sources: SubtitleSources;
  readonly #tracks: SubtitleTracks;

  constructor(sources: SubtitleSources, tracks: SubtitleTracks) {
    this.#sources = sources;
    this.#tracks = tracks;
  }

  /** Null where the job burns nothing in. @throws MEDIA_CHANGED, MEDIA_UNREADABLE, SUBTITLES_PENDING */
  async prepare({ rendition, media, keyframes }: EncodeJob, signal: AbortSignal): Promise<Burning | null> {
    if (rendition.kind !== 'video-encode' || rendition.burned === undefined) return null;
    const { burned } = rendition;
    const container = keyframes.copyMethod === 'matroska' ? 'matroska' : 'other';
    return this.#of(
      { ...media, version: keyframes.version, container, mended: keyframes.mended },
      burned,
      { keyframes, frameRate: rendition.frameRate },
      signal,
    );
  }

  async #of(film: SourceFilm, track: BurnedTrack, clock: Clock, signal: AbortSignal): Promise<Burning | null> {
    const offsetMs = sourceOffsetMs(clock.keyframes, { isExternal: track.sidecar !== null });
    if (subtitleKind(track.codec) === 'image') {
      const path = await this.#sources.source(film, track, signal);
      const canvas = canvasOf(await headOf(path));
      return canvas && { kind: 'pictures', path, offsetMs, ...canvas };
    }
    // A font that can not be had is done without.
    const fontFolder = track.sidecar === null ? await this.#sources.fontFolder(film, signal).catch(() => null) : null;
    if (isStyled(track.codec)) return { kind: 'script', path: await this.#sources.source(film, track, signal), fontFolder, offsetMs };
    return { kind: 'script', path: await this.#text(film, track, clock, signal), fontFolder: null, offsetMs: 0 };
  }

  /** A script of ours, on the film's clock: nothing that a file says is a command to libass. */
  async #text(film: SourceFilm, track: BurnedTrack, clock: Clock, signal: AbortSignal): Promise<string> {
    const rendition = { ...track, ...UNNAMED } satisfies SubtitleRendition;
    const folder = await this.#sources.kept(film, ['text', track.sidecar ?? track.streamIndex], signal, async (target, over) => {
      const wanted = { film, ...clock, rendition, key: renditionKey(film.version, 0, rendition) };
      await writeFile(join(target, 'text.ass'), writeScript(await this.#tracks.cues(wanted, over)));
    });
    return join(folder, 'text.ass');
  }
}

const UNNAMED = { kind: 'subtitle', name: '', language: null, isDefault: false, isForced: false, isHearingImpaired: false } as const;

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
