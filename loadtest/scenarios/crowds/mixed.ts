// An evening in small: viewers who start, seek, switch, pause and stop, by direct, remux and transcode, for some minutes.

import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Account } from '../../viewers/account.ts';
import { Audience } from '../../viewers/audience.ts';
import { WildViewers } from '../../viewers/wild-viewers.ts';
import { tenMinutes } from '../../world/films.ts';
import { diskAim, growthAims, HoldingLog, holdingTable, settle, viewerAims, viewerTable } from '../../world/mixed-load.ts';
import { Server, ServerFolder } from '../../world/server.ts';

const VIEWERS = 12;
const MINUTES = 5;
const SETTLE_DEADLINE_MS = 60_000;
const CACHE_BYTES = 512 * 1024 * 1024;
const SETTINGS = {
  FERRITE_MAX_TRANSCODES: '16',
  FERRITE_CACHE_MAX_BYTES: String(CACHE_BYTES),
  FERRITE_CACHE_MEMORY_BYTES: String(64 * 1024 * 1024),
};

export const mixed: Scenario = {
  about: 'viewers who start, seek, switch, pause and stop (12 for 5 minutes; --viewers, --minutes): stalls, failures, growth',
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: async options => {
    const folder = await ServerFolder.create([await tenMinutes(options)]);
    try {
      const server = await Server.start(folder, { settings: SETTINGS });
      try {
        return await run(options, server, folder);
      } finally {
        await server.stop();
      }
    } finally {
      await folder.remove();
    }
  },
};

async function run(options: ScenarioOptions, server: Server, folder: ServerFolder): Promise<Result> {
  const account = await Account.signIn(server.remote);
  const [film] = await account.media();
  if (!film) throw new Error('the library is empty');
  const audience = new Audience();
  const log = new HoldingLog(() => server.pid, `${folder.data}/cache`);
  const viewers = options.viewers ?? VIEWERS;
  const minutes = options.minutes ?? MINUTES;
  try {
    const wild = new WildViewers(
      request => audience.seat(account, { ...request, mediaId: film.id }),
      seat => audience.leave(seat),
    );
    log.look();
    options.say(`mixed: ${viewers} viewers for ${minutes} minutes`);
    await wild.watch(viewers, minutes * 60_000);
    const watched = [...log.holdings];
    const last = await settle(log, SETTLE_DEADLINE_MS);
    const failures = [...wild.failures, ...audience.failures()];
    return {
      tables: [
        viewerTable(`${viewers} viewers, ${minutes} minutes, direct, remux and transcode`, wild, audience),
        holdingTable(log.holdings),
      ],
      aims: [
        ...viewerAims(wild, audience),
        ...growthAims(watched),
        diskAim(watched, CACHE_BYTES),
        { what: 'encodes left over', aim: '0', measured: String(last?.encodes ?? 0), isMet: last?.encodes === 0 },
      ],
      notes: [
        `What they did: ${JSON.stringify(wild.facts.actions)}.`,
        'Buffered seeks need no request at all: the player has the place.',
        ...[...new Set(failures)].slice(0, 5).map(failure => `failure: ${failure}`),
      ],
      samples: { 'server bytes': watched.map(({ bytes }) => bytes), descriptors: watched.map(({ descriptors }) => descriptors) },
    };
  } finally {
    log.stop();
    await audience.leaveAll();
  }
}
