// The sources of subtitle tracks, as they were authored, and the fonts of films: taken out once and kept, so that a film is read for them no second time.
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FerriteError } from '#domain/errors.ts';
import type { Media, MendedClock } from '#domain/media.ts';
import type { SubtitleRendition } from '#domain/rendition.ts';
import { decodeText } from '#domain/subtitles/charset.ts';
import { sourceExtension } from '#domain/subtitles/tracks.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';
import { requireUnchangedMedia } from '#workers/remux/unchanged-media.ts';
import { supOfVobSub } from '#workers/subtitles/pictures/vobsub-files.ts';
import type { ExtractedFiles } from './extracted-files.ts';
import { extractStream } from './extraction.ts';
import { extractFonts, fontsOf } from './fonts.ts';
import { packetsByCue } from './matroska-packets.ts';
import { extractMp4Text, isMp4Text } from './mp4-text.ts';
import { canWrite, writePackets } from './packets.ts';
import { ReadingTurns } from './reading-turns.ts';
import { pending, SharedReading } from './shared-reading.ts';
import { MAX_TEXT_BYTES, readBeside, readSidecar, requireSidecar } from './sidecar-file.ts';

/** Raised when the same source would be written otherwise. */
const FORMAT = 1;
const MAX_PICTURE_BYTES = 128 * 1024 ** 2;
const MAX_READS = 2;
/** Films that wait to be read: each is read whole, so more than this is hours of work. */
const MAX_WAITING = 32;
/** Longer than players take to come back. */
const GRACE_MS = 60_000;

/** A film as its subtitles are read from it. */
export type SourceFilm = Pick<Media, 'path' | 'byteLength' | 'mtimeMs' | 'version' | 'container'> & {
  readonly mended?: MendedClock | undefined;
};
export type SourceTrack = Pick<SubtitleRendition, 'codec' | 'streamIndex' | 'sidecar'>;
export type KeptFile = { readonly path: string; readonly byteLength: number };

type Fill = (target: string, over: AbortSignal) => Promise<void>;

export type SourcesOptions = { readonly files: ExtractedFiles; readonly runTool: RunTool; readonly graceMs?: number };

export class SubtitleSources {
  readonly #files: ExtractedFiles;
  readonly #runTool: RunTool;
  readonly #reading: SharedReading<string>;
  readonly #turns = new ReadingTurns({
    atOnce: MAX_READS,
    maxWaiting: MAX_WAITING,
    refusal: () => pending('too many films wait to be read for their subtitles'),
  });

  constructor({ files, runTool, graceMs = GRACE_MS }: SourcesOptions) {
    this.#files = files;
    this.#runTool = runTool;
    this.#reading = new SharedReading({ maxWaitMs: Number.POSITIVE_INFINITY, graceMs });
  }

  /** The path of the track's source, in the clock of its own. @throws MEDIA_CHANGED, MEDIA_UNREADABLE, SUBTITLES_PENDING */
  async source(film: SourceFilm, track: SourceTrack, signal: AbortSignal): Promise<string> {
    const file = `source.${sourceExtension(track.codec)}`;
    // What is kept of a file that was replaced or went away is not given out under its name.
    if (track.sidecar !== null) await requireSidecar(track.sidecar);
    const folder = await this.kept(film, track.sidecar ?? track.streamIndex, signal, async (target, over) => {
      await writeFile(join(target, file), await this.#turns.take(() => this.#read(film, track, over), over));
    });
    return join(folder, file);
  }

  /** A folder with nothing but them. @throws MEDIA_CHANGED */
  fontFolder(film: SourceFilm, signal: AbortSignal): Promise<string> {
    return this.kept(film, 'fonts', signal, async (target, over) => {
      await requireUnchangedMedia(film);
      await extractFonts(film, target, { runTool: this.#runTool, signal: over });
    });
  }

  async fonts(film: SourceFilm, signal: AbortSignal): Promise<readonly KeptFile[]> {
    return fontsOf(await this.fontFolder(film, signal));
  }

  /** Ends what is being read. */
  close(): void {
    this.#reading.close();
  }

  /** The folder of what is made of a film; filled by one for all who ask meanwhile. */
  kept(film: SourceFilm, what: unknown, signal: AbortSignal, fill: Fill): Promise<string> {
    const name = nameOf(film, what);
    const make = async (over: AbortSignal): Promise<string> =>
      (await this.#files.find(name)) ?? this.#files.add(name, target => fill(target, over));
    return this.#reading.get(name, make, signal);
  }

  async #read(film: SourceFilm, { codec, streamIndex, sidecar }: SourceTrack, signal: AbortSignal): Promise<Buffer> {
    if (sidecar !== null) return sidecarSource(codec, sidecar, signal);
    if (streamIndex === null) throw new FerriteError('SEGMENT_NOT_FOUND', 'there is no such subtitle track');
    await requireUnchangedMedia(film);
    if (isMp4Text(codec)) return extractMp4Text(film, { streamIndex, codec }, { runTool: this.#runTool, signal });
    const isMatroska = film.container === 'matroska' || film.container === 'webm';
    const packets = isMatroska && canWrite(codec) ? await packetsByCue(film, streamIndex, signal).catch(unlessCancelled) : null;
    if (packets !== null) return writePackets(codec, packets, signal);
    return extractStream(film, { streamIndex, codec }, { runTool: this.#runTool, signal });
  }
}

/** Text in UTF-8, whatever it was written in; pictures as one file. */
async function sidecarSource(codec: string, sidecar: NonNullable<SourceTrack['sidecar']>, signal: AbortSignal): Promise<Buffer> {
  if (codec === 'sup') return readSidecar(sidecar, MAX_PICTURE_BYTES);
  const bytes = await readSidecar(sidecar, MAX_TEXT_BYTES);
  if (codec !== 'idx') return Buffer.from(decodeText(bytes), 'utf8');
  const sub = await readBeside(sidecar.path.replace(/\.idx$/i, subOf), MAX_PICTURE_BYTES);
  return supOfVobSub(bytes.toString('latin1'), sub, sidecar.part ?? null, signal);
}

/** In the case of the index's own name. */
const subOf = (extension: string): string => (extension === extension.toUpperCase() ? '.SUB' : '.sub');

/** What can not be read by its index is read by ffmpeg. */
function unlessCancelled(error: unknown): null {
  if (error instanceof FerriteError && error.code === 'CANCELLED') throw error;
  return null;
}

const nameOf = ({ version }: SourceFilm, what: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([FORMAT, version, what]))
    .digest('hex')
    .slice(0, 32);
