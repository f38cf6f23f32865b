// docs/clients.md, from what the players did.
import type { CellResult, Outcome } from './cell.ts';
import { CLIENTS } from './clients.ts';
import { FILMS } from './films.ts';
import { DELIVERIES, STEPS, type Step } from './player.ts';

const HEADS: Readonly<Record<Step, string>> = {
  start: 'start',
  seek: 'seeks',
  scrub: 'scrub',
  audio: 'audio switch',
  subtitles: 'subtitles',
  pause: 'pause',
  close: 'close',
  resume: 'resume',
  abr: 'ABR',
};

export function pageOf(results: readonly CellResult[]): string {
  const notes = new Map<string, number>();
  const noteOf = (text: string): number => {
    const number = notes.get(text) ?? notes.size + 1;
    notes.set(text, number);
    return number;
  };
  const shown = (outcome: Outcome | undefined): string => {
    if (!outcome) return '·';
    if (outcome.is === 'ok') return '✓';
    return `${outcome.is === 'wrong' ? '✗' : '–'} [${noteOf(outcome.text)}]`;
  };
  const rows = CLIENTS.flatMap(client =>
    FILMS.flatMap(film =>
      DELIVERIES.flatMap(delivery => {
        const result = results.find(one => one.client === client.name && one.film === film.name && one.delivery === delivery);
        const head = [client.label, film.name, delivery];
        if (!result) return [[...head, 'not run', '', ...STEPS.map(() => '')]];
        const { pictures, sounds, steps } = result;
        return [
          [
            ...head,
            `${pictures.wrong} / ${pictures.checked}`,
            `${sounds.wrong} / ${sounds.checked}`,
            ...STEPS.map(step => shown(steps[step])),
          ],
        ];
      }),
    ),
  );
  const table = tableOf(['player', 'film', 'delivery', 'pictures wrong', 'sounds wrong', ...STEPS.map(step => HEADS[step])], rows);
  const legend = [...notes].map(([text, number]) => `${number}. ${text}`);
  return [
    '# Players',
    '',
    'Written by `npm run clients`: real players from Debian and npm on every delivery.',
    '',
    ...FILMS.map(({ name, about }) => `- **${name}**: ${about}.`),
    '',
    table,
    '',
    '✓ as it should be; ✗ wrong; – not tried; · not part of this row. The numbers in brackets:',
    '',
    ...legend,
    '',
  ].join('\n');
}

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');
