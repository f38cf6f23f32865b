// The matrix: combinations become films in the library of a real server, and each is played by each delivery.
import { join } from 'node:path';
import { Client } from '../support/client.ts';
import { TestServer } from '../support/server.ts';
import { type Combination, FilmMaker, nameOf, titleOf } from './films.ts';
import { DELIVERIES, type DeliveryName, type Outcome, Player } from './play.ts';

export type Cell =
  | { readonly combination: Combination; readonly reason: string }
  | { readonly combination: Combination; readonly outcomes: Readonly<Record<DeliveryName, Outcome>> };

export type MatrixFolders = { readonly scratch: string; readonly library: string; readonly dataDir: string };

/** The folders must be there. `told`: after each film. */
export async function runMatrix(
  wanted: readonly Combination[],
  { scratch, library, dataDir }: MatrixFolders,
  told: (cell: Cell) => void = () => undefined,
): Promise<Cell[]> {
  const maker = new FilmMaker(scratch);
  const made = new Map<string, string>();
  const cells: Cell[] = [];
  const tell = (cell: Cell): void => {
    cells.push(cell);
    told(cell);
  };
  for (const combination of wanted) {
    const film = await maker.make(combination, library);
    if ('path' in film) made.set(nameOf(combination), film.path);
    else tell({ combination, reason: film.reason });
  }
  const server = new TestServer({ library, dataDir, env: { TMPDIR: scratch, FERRITE_MAX_TRANSCODES: '50' } });
  try {
    await server.ready();
    await server.line(({ msg, state }) => msg === 'scan' && state === 'done', SCAN_DEADLINE_MS);
    const client = await Client.signIn(server.url);
    const player = new Player(client, scratch);
    const films = await allFilms(client);
    const waiting = wanted.filter(combination => made.has(nameOf(combination)));
    const playAll = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const path = made.get(nameOf(next)) ?? '';
        const film = films.find(({ title }) => title.toLowerCase() === titleOf(next as Combination));
        const outcomes: Record<DeliveryName, Outcome> = { direct: NOT_LISTED, remux: NOT_LISTED, transcode: NOT_LISTED };
        if (film) for (const delivery of DELIVERIES) outcomes[delivery] = await player.play({ ...film, path }, delivery);
        tell({ combination: next, outcomes });
      }
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, playAll));
  } finally {
    await server.stop();
  }
  const places = new Map(wanted.map((combination, at) => [nameOf(combination), at]));
  const placeOf = ({ combination }: Cell): number => places.get(nameOf(combination)) ?? 0;
  return cells.toSorted((a, b) => placeOf(a) - placeOf(b));
}

/** Hundreds of films, on a machine that does other things as well. */
const SCAN_DEADLINE_MS = 60 * 60_000;
const SIDE_BY_SIDE = 3;

const NOT_LISTED: Outcome = { kind: 'failed', why: 'the scan does not list the film' };

type Page = {
  readonly items: { id: string; title: string; width: number; height: number; durationMs: number }[];
  readonly nextCursor?: string | null;
};

async function allFilms(client: Client): Promise<Page['items']> {
  const films: Page['items'] = [];
  let cursor: string | null | undefined = null;
  do {
    const query: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
    const page: Page = await client.call<Page>('GET', `/api/v1/media?limit=200${query}`);
    films.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor);
  return films;
}

export const foldersIn = (root: string): MatrixFolders => ({
  scratch: join(root, 'tracks'),
  library: join(root, 'films'),
  dataDir: join(root, 'data'),
});
