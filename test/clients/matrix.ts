// Runs the cells, one player after the other: a player that falls over costs its own cells and no other's.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client as Account } from '../support/client.ts';
import { TestServer } from '../support/server.ts';
import { ThrottlingProxy } from '../support/throttling-proxy.ts';
import { servePage } from './browsers/page-player.ts';
import { Cell, type CellResult, messageOf, type World, within } from './cell.ts';
import { FILMS, type Film } from './films.ts';
import { emptyTally } from './judge.ts';
import { type Client, DELIVERIES, type Delivery, type PlayerProgram, STEPS, type Step } from './player.ts';
import { openSoundCard } from './sound-card.ts';

/** A player that hangs costs so much of a run and no more. */
const CELL_DEADLINE_MS = 180_000;
const PROGRAM_DEADLINE_MS = 60_000;
export const QUICK: readonly Step[] = ['start', 'seek', 'scrub', 'close'];

export type MatrixOptions = {
  readonly clients: readonly Client[];
  /** A folder with the films. */
  readonly library: string;
  readonly films?: readonly Film[];
  readonly deliveries?: readonly Delivery[];
  /** Settings of the server. */
  readonly env?: Readonly<Record<string, string>>;
  /** All, unless some are named. */
  readonly steps?: readonly Step[];
  readonly say: (line: string) => void;
  /** A run that was broken off has this cell already. */
  readonly isDone?: (client: string, film: string, delivery: Delivery) => boolean;
  readonly onCell: (result: CellResult) => Promise<void>;
};

export async function runMatrix({
  clients,
  library,
  films = FILMS,
  deliveries = DELIVERIES,
  env = {},
  steps: named,
  say,
  isDone = () => false,
  onCell,
}: MatrixOptions): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'ferrite-clients-'));
  const server = new TestServer({ library, dataDir: join(scratch, 'data'), env: { FERRITE_LOG_LEVEL: 'info', ...env } });
  let proxy: ThrottlingProxy | null = null;
  const soundCard = needsSound(clients) ? await openSoundCard() : null;
  try {
    await (await server.ready()).scanned();
    const account = await Account.signIn(server.url);
    const media = await account.media();
    proxy = await ThrottlingProxy.open(server.url);
    await servePage(proxy);
    const mediaOf = (film: Film) => {
      const found = media.find(({ title }) => title === film.title);
      if (!found) throw new Error(`the library has no ${film.title}`);
      return found;
    };
    const world: World = { account, proxy, mediaOf };
    for (const client of clients) {
      for (const film of films) {
        for (const delivery of deliveries) {
          if (isDone(client.name, film.name, delivery)) continue;
          const steps = named ?? stepsOf(film, delivery);
          const result = await runCell(world, { client, film, delivery, steps });
          say(lineOf(result));
          await onCell(result);
        }
      }
    }
  } finally {
    await proxy?.close();
    await server.stop();
    await soundCard?.close();
    await rm(scratch, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

/** Players that keep their clock by it. */
const needsSound = (clients: readonly Client[]): boolean => clients.some(({ needs }) => needs.includes('pulseaudio'));

/** A change of the line takes a minute: it is made where every rung is encoded, of one film. */
function stepsOf(film: Film, delivery: Delivery): readonly Step[] {
  return STEPS.filter(step => step !== 'abr' || (film.name === 'mp4' && delivery === 'transcode'));
}

async function runCell(world: World, plan: ConstructorParameters<typeof Cell>[1]): Promise<CellResult> {
  const { client, film, delivery } = plan;
  let program: PlayerProgram | null = null;
  const failed = (error: unknown): CellResult => ({
    client: client.name,
    film: film.name,
    delivery,
    startMs: null,
    pictures: emptyTally(),
    sounds: emptyTally(),
    steps: { start: { is: 'wrong', text: messageOf(error) } },
  });
  try {
    if (client.refuses(film.name, delivery) === null)
      program = await within(client.start(world.proxy.url), `starting ${client.label}`, PROGRAM_DEADLINE_MS);
    const cell = new Cell(world, plan, program?.playing() ?? NOBODY);
    // What the cell had found by then is kept.
    return await within(cell.run(), 'the cell', CELL_DEADLINE_MS).catch(error => {
      cell.abandon();
      const missing = plan.steps.find(step => cell.result.steps[step] === undefined) ?? 'close';
      cell.result.steps[missing] = { is: 'wrong', text: messageOf(error) };
      return cell.result;
    });
  } catch (error) {
    return failed(error);
  } finally {
    if (program) await within(program.end(), `ending ${client.label}`, PROGRAM_DEADLINE_MS).catch(() => {});
  }
}

/** For a cell that is refused before anybody plays. */
const NOBODY = { close: async () => {} } as ConstructorParameters<typeof Cell>[2];

function lineOf({ client, film, delivery, startMs, pictures, sounds, steps }: CellResult): string {
  const wrong = Object.entries(steps).flatMap(([step, { is, text }]) => (is === 'ok' ? [] : [`${step} ${is}: ${text}`]));
  const counts = `pictures ${pictures.wrong}/${pictures.checked} sounds ${sounds.wrong}/${sounds.checked}`;
  return `${client} ${film} ${delivery}: ${startMs ?? '–'} ms, ${counts}${wrong.length === 0 ? '' : `; ${wrong.join('; ')}`}`;
}
