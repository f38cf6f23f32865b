// Which player takes segments under which name and in which packaging: docs/segment-types.md, from what the players did.
import type { CellResult } from './cell.ts';
import { FILMS } from './films.ts';
import { QUICK, runMatrix } from './matrix.ts';
import type { Client } from './player.ts';

type Way = { readonly name: string; readonly env: Readonly<Record<string, string>>; readonly capabilities: object };

const WAYS: readonly Way[] = [
  { name: '`video/mp4`, `audio/mp4`', env: { FERRITE_SEGMENT_TYPE: 'mp4' }, capabilities: {} },
  { name: '`video/iso.segment`', env: { FERRITE_SEGMENT_TYPE: 'iso.segment' }, capabilities: {} },
  { name: '`video/mp2t` (MPEG-TS)', env: {}, capabilities: { segments: 'mpegts' } },
];
const DELIVERIES = ['remux', 'transcode'] as const;

const ABOUT = `Written by \`npm run clients -- --types\`, never by hand. What media segments are called (\`FERRITE_SEGMENT_TYPE\`; init segments are \`video/mp4\` and \`audio/mp4\` always), and MPEG-TS in place of fragmented MP4 (\`client.capabilities.segments\`), tried with each player of [the matrix](clients.md): a start, seeks, a scrub, a close, with every picture and moment of sound held against the player's clock.`;

type Options = {
  readonly clients: readonly Client[];
  readonly library: string;
  /** The page as it is when all have been run: rows of other players stay. */
  readonly before: () => Promise<string>;
  readonly say: (line: string) => void;
};

/** Every way with every player, one after the other. */
export async function tryTypes({ clients, library, before, say }: Options): Promise<{ page: string; isWrong: boolean }> {
  const run = new Map<string, string[]>(clients.map(({ label }) => [label, [label]]));
  let isWrong = false;
  for (const { name, env, capabilities } of WAYS) {
    say(name);
    const results: CellResult[] = [];
    await runMatrix({
      clients: clients.map(client => saying(client, capabilities)),
      library,
      films: FILMS.filter(film => film.name === 'mp4'),
      deliveries: DELIVERIES,
      env,
      steps: QUICK,
      say,
      onCell: async result => {
        results.push(result);
      },
    });
    for (const client of clients) {
      const shown = DELIVERIES.map(delivery => outcome(results.find(one => one.client === client.name && one.delivery === delivery)));
      isWrong ||= shown.some(text => text.startsWith('✗'));
      run.get(client.label)?.push(...shown);
    }
  }
  const head = ['player', ...WAYS.flatMap(way => DELIVERIES.map(delivery => `${way.name}, ${delivery}`))];
  const table = [head, head.map(() => '---'), ...new Map([...rowsOf(await before()), ...run]).values()].map(
    cells => `| ${cells.join(' | ')} |`,
  );
  const legend = '✓ as it should be, with the pictures that were checked; ✗ wrong, with the step.';
  return { page: ['# Segment types', '', ABOUT, '', ...table, '', legend, ''].join('\n'), isWrong };
}

/** By the player's label. */
function rowsOf(page: string): Map<string, string[]> {
  const rows = page.split('\n').filter(line => line.startsWith('| '));
  // A pipe within a cell is escaped.
  const cells = rows.slice(2).map(line => line.slice(2, -2).split(/ \| /));
  return new Map(cells.map(([label = '', ...shown]) => [label, [label, ...shown]]));
}

function saying(client: Client, capabilities: object): Client {
  const told = client.client.client as { readonly capabilities?: object };
  return { ...client, client: { client: { ...told, capabilities: { ...told.capabilities, ...capabilities } } } };
}

function outcome(result: CellResult | undefined): string {
  if (!result) return '✗ not run';
  const wrong = Object.entries(result.steps).flatMap(([step, { is, text }]) =>
    is === 'wrong' ? [`${step}: ${text.replaceAll('|', '\\|')}`] : [],
  );
  return wrong.length === 0 ? `✓ ${result.pictures.checked}` : `✗ ${wrong.join('; ')}`;
}
