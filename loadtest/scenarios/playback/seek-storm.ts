// Scrubbing: twenty seeks in two seconds by hints and requests. Encodes started, processes, and how soon the last seek is there.
import { setTimeout as delay } from 'node:timers/promises';
import { ControlSocket } from '../../client/control-socket.ts';
import { nowMs } from '../../client/http-client.ts';
import { LeanConnection } from '../../client/lean-connection.ts';
import { quietMoment } from '../../machine/quiet.ts';
import { median, percentile } from '../../machine/statistics.ts';
import { probeSeeks } from '../../peers/seek-prober.ts';
import type { Aim, Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Account } from '../../viewers/account.ts';
import { type Piece, PlaylistBook } from '../../viewers/playlist-book.ts';
import type { Started } from '../../viewers/viewer.ts';
import { EncodeWatch } from '../../watch/encode-watch.ts';
import { ServerMetrics } from '../../watch/prometheus.ts';
import { BUSY_LOOPS, busyPositionMs, tenMinutes } from '../../world/films.ts';
import { type Server, withServer } from '../../world/server.ts';
import { NO_CACHE } from './playback-cases.ts';

const ROUNDS = 5;
const VIEWERS = [1, 4];
const SEEKS = 20;
const SEEK_EVERY_MS = 100;
const MAX_HEIGHT = 480;
const RUNG = '480p';
/** Between storms: encodes of the last one end. */
const CALM_MS = 1_500;
/** A handful. */
const MAX_ENCODES_PER_STORM = 5;

export const seekStorm: Scenario = {
  about: 'twenty seeks in two seconds on transcodes, 1 and 4 viewers: encodes and ffprobe started, time to the last seek',
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: async options => {
    const film = await tenMinutes(options);
    return withServer({ films: [film], settings: NO_CACHE }, server => run(options, server, film));
  },
};

/** One round of so many viewers. */
type Storm = {
  readonly started: number;
  readonly superseded: number;
  readonly mostProcesses: number;
  readonly probes: number;
  readonly lastSeekMs: readonly number[];
};

type Measured = { readonly viewers: number; readonly loneSeekMs: readonly number[]; readonly storms: readonly Storm[] };

async function run(options: ScenarioOptions, server: Server, film: string): Promise<Result> {
  const account = await Account.signIn(server.remote);
  const [media] = await account.media();
  if (!media) throw new Error('the library is empty');
  const measured: Measured[] = [];
  const book = new PlaylistBook();
  let number = 0;
  const jump = (): number => busyPositionMs((number * 7) % BUSY_LOOPS, number++);
  for (const viewers of options.viewers === null ? VIEWERS : [options.viewers]) {
    const scrubbers = await Promise.all(Array.from({ length: viewers }, () => Scrubber.start(account, media.id, book, jump())));
    const loneSeekMs: number[] = [];
    const storms: Storm[] = [];
    for (let round = 1; round <= (options.rounds ?? ROUNDS); round++) {
      options.say(`seek-storm: ${viewers} viewers, round ${round}`);
      await calm();
      loneSeekMs.push(...(await Promise.all(scrubbers.map(scrubber => scrubber.seek(jump())))));
      await calm();
      storms.push(await storm(server, scrubbers, jump));
    }
    await Promise.all(scrubbers.map(scrubber => scrubber.stop()));
    measured.push({ viewers, loneSeekMs, storms });
  }
  options.say('seek-storm: a peer that probes at each seek');
  const probedMs = await probeSeeks(
    film,
    Array.from({ length: SEEKS }, () => jump()),
  );
  return report(measured, probedMs);
}

async function calm(): Promise<void> {
  await delay(CALM_MS);
  await quietMoment();
}

async function storm(server: Server, scrubbers: readonly Scrubber[], jump: () => number): Promise<Storm> {
  const before = await ServerMetrics.read(server.remote.url);
  const watch = new EncodeWatch(server.pid);
  try {
    const lastSeekMs = await Promise.all(
      scrubbers.map(scrubber =>
        scrubber.scrub(
          Array.from({ length: SEEKS }, () => jump()),
          SEEK_EVERY_MS,
        ),
      ),
    );
    await delay(CALM_MS);
    const after = await ServerMetrics.read(server.remote.url);
    const since = (name: string, ...labels: string[]): number => after.sum(name, ...labels) - before.sum(name, ...labels);
    return {
      started: since('encodes_total', 'outcome="started"'),
      superseded: since('encodes_total', 'outcome="superseded"'),
      mostProcesses: watch.mostEncodes,
      probes: Math.max(since('ffprobe_total'), watch.probes),
      lastSeekMs,
    };
  } finally {
    watch.stop();
  }
}

type Rendition = { readonly folder: string; readonly pieces: readonly Piece[] };

/** A viewer who drags the slider: each seek is hinted, asked for, and given up with the next. */
class Scrubber {
  readonly #account: Account;
  readonly #session: Started;
  readonly #control: ControlSocket;
  readonly #connection: LeanConnection;
  readonly #book: PlaylistBook;
  #rendition: Rendition | null = null;

  static async start(account: Account, mediaId: string, book: PlaylistBook, positionMs: number): Promise<Scrubber> {
    const connection = new LeanConnection(account.url);
    const session = await account.start(connection, { mediaId, delivery: 'transcode', positionMs, maxHeight: MAX_HEIGHT });
    const control = await ControlSocket.open(account.url, session.controlUrl);
    const scrubber = new Scrubber({ account, session, control, connection, book });
    await scrubber.seek(positionMs);
    return scrubber;
  }

  private constructor(parts: {
    account: Account;
    session: Started;
    control: ControlSocket;
    connection: LeanConnection;
    book: PlaylistBook;
  }) {
    this.#account = parts.account;
    this.#session = parts.session;
    this.#control = parts.control;
    this.#connection = parts.connection;
    this.#book = parts.book;
  }

  /** Milliseconds until the segment of the picture there is complete. */
  async seek(positionMs: number): Promise<number> {
    const startedMs = nowMs();
    this.#control.seek(positionMs);
    const { status } = await this.#connection.send(await this.#segmentAt(positionMs));
    if (status !== 200) throw new Error(`a segment gave ${status}`);
    return nowMs() - startedMs;
  }

  /** Milliseconds from the last of the seeks until its segment was complete. */
  async scrub(positions: readonly number[], everyMs: number): Promise<number> {
    for (const positionMs of positions.slice(0, -1)) {
      const nextAtMs = nowMs() + everyMs;
      const givenUp = this.seek(positionMs).catch(() => null);
      await delay(Math.max(0, nextAtMs - nowMs()));
      this.#connection.abort();
      await givenUp;
    }
    return this.seek(positions.at(-1) ?? 0);
  }

  async stop(): Promise<void> {
    this.#control.close();
    await this.#account.stop(this.#connection, this.#session);
    this.#connection.close();
  }

  async #segmentAt(positionMs: number): Promise<string> {
    this.#rendition ??= await this.#open();
    const { pieces, folder } = this.#rendition;
    const piece = pieces.findLast(({ startS }) => startS * 1000 <= positionMs);
    if (!piece) throw new Error('the playlist has no segment there');
    return folder + piece.name;
  }

  async #open(): Promise<Rendition> {
    const folder = this.#session.streamUrl.replace(/[^/]+$/, `video/${RUNG}/`);
    const list = await this.#connection.send(`${folder}index.m3u8`, { keepsBody: true });
    if (list.status !== 200) throw new Error(`the playlist gave ${list.status}`);
    return { folder, pieces: this.#book.media(list.body).pieces };
  }
}

function report(measured: readonly Measured[], probedMs: readonly number[]): Result {
  const most = (storms: readonly Storm[], value: (storm: Storm) => number): number => Math.max(...storms.map(value));
  return {
    tables: [
      {
        title: `${SEEKS} seeks in ${(SEEKS * SEEK_EVERY_MS) / 1000} s on transcodes to ${RUNG}, nothing cached, each given up with the next`,
        columns: [
          'viewers',
          'storms',
          'encodes started',
          'most',
          'superseded',
          'ffmpeg at most',
          'ffprobe',
          'last seek ms',
          'p95',
          'lone seek ms',
        ],
        rows: measured.map(({ viewers, storms, loneSeekMs }) => {
          const lastMs = storms.flatMap(({ lastSeekMs }) => lastSeekMs);
          return [
            viewers,
            storms.length,
            median(storms.map(({ started }) => started)),
            most(storms, ({ started }) => started),
            median(storms.map(({ superseded }) => superseded)),
            most(storms, ({ mostProcesses }) => mostProcesses),
            most(storms, ({ probes }) => probes),
            median(lastMs),
            percentile(lastMs, 0.95),
            median(loneSeekMs),
          ];
        }),
      },
      {
        title: 'ffprobe at each seek, as a server without an index does, one after another',
        columns: ['', 'processes for a storm of one viewer', 'ms each, median', 'ms in all'],
        rows: [
          ['probing peer', probedMs.length, median(probedMs), probedMs.reduce((sum, ms) => sum + ms, 0)],
          ['product', most(measured[0]?.storms ?? [], ({ probes }) => probes), 0, 0],
        ],
      },
    ],
    aims: aimsOf(measured, probedMs),
    notes: [
      'A last seek is complete with its first segment of the picture; a lone seek is the same without a storm before it, in the same round.',
      'Processes are counted by looking every 20 ms; warm ones that wait for work count as well.',
    ],
    samples: Object.fromEntries(
      measured.flatMap(({ viewers, storms, loneSeekMs }) => [
        [`${viewers} viewers: encodes started per storm`, storms.map(({ started }) => started)],
        [`${viewers} viewers: last seek ms`, storms.flatMap(({ lastSeekMs }) => lastSeekMs)],
        [`${viewers} viewers: lone seek ms`, loneSeekMs],
        [`${viewers} viewers: ffprobe per storm`, storms.map(({ probes }) => probes)],
      ]),
    ),
  };
}

function aimsOf(measured: readonly Measured[], probedMs: readonly number[]): Aim[] {
  const probes = measured.reduce((sum, { storms }) => sum + storms.reduce((all, storm) => all + storm.probes, 0), 0);
  return [
    ...measured.map(({ viewers, storms }) => {
      const perViewer = Math.max(...storms.map(({ started }) => started)) / viewers;
      return {
        what: `${viewers} scrubbing: encodes started per viewer and storm, at most`,
        aim: `≤ ${MAX_ENCODES_PER_STORM}`,
        measured: perViewer.toFixed(1),
        isMet: perViewer <= MAX_ENCODES_PER_STORM,
      };
    }),
    { what: 'ffprobe started by seeks', aim: `0 (a probing peer: ${probedMs.length})`, measured: String(probes), isMet: probes === 0 },
  ];
}
