// What a run of the matrix found, as a page of the documentation.
import { CONTAINERS, nameOf } from './films.ts';
import { DELIVERIES, type Outcome } from './play.ts';
import type { Cell } from './run.ts';

export function matrixPage(cells: readonly Cell[], { version, isFull }: { version: string; isFull: boolean }): string {
  const failed = failuresOf(cells);
  const made = cells.filter(cell => 'outcomes' in cell);
  return [
    '# Which films play, and how',
    '',
    `Written by \`npm run matrix${isFull ? ' -- --full' : ''}\` with ffmpeg ${version}. Each film is six seconds of numbered pictures and a tone at each whole second, made by ffmpeg, put into the library of a real server and played by each delivery as a client that says it plays everything: every segment of the picture and of every rendition of the sound is fetched and decoded, the pictures' numbers and the tones are compared with their times, and the duration with the film's. *Refused* means: by an answer before the session, with these reasons.`,
    '',
    isFull
      ? 'Every picture beside every sound.'
      : 'Each picture beside the usual sound of its container, and each sound beside the usual picture; `-- --full` does every picture beside every sound.',
    '',
    `${made.length} films, ${made.length * DELIVERIES.length} cells: ${made.length * DELIVERIES.length - failed.length} as they should be, ${failed.length} failed. VC-1 has no encoder in ffmpeg, HE-AAC none in the one of Debian.`,
    ...(failed.length > 0 ? ['', '## Failed', '', ...failed.map(line => `- ${line}`)] : []),
    ...Object.keys(CONTAINERS).flatMap(container => sectionOf(container, cells)),
    '',
  ].join('\n');
}

export const failuresOf = (cells: readonly Cell[]): string[] =>
  cells.flatMap(cell =>
    'outcomes' in cell
      ? DELIVERIES.flatMap(delivery => {
          const outcome = cell.outcomes[delivery];
          return outcome.kind === 'failed' ? [`${nameOf(cell.combination)}, ${delivery}: ${outcome.why}`] : [];
        })
      : [],
  );

function sectionOf(container: string, cells: readonly Cell[]): string[] {
  const own = cells.filter(({ combination }) => combination.container === container);
  const played = own.flatMap(cell => ('outcomes' in cell ? [cell] : []));
  const unmade = own.flatMap(cell => ('reason' in cell ? [cell] : []));
  if (own.length === 0) return [];
  return [
    '',
    `## ${container}`,
    '',
    '| picture | sound | direct | remux | transcode |',
    '|---|---|---|---|---|',
    ...played.map(({ combination: { picture, sound }, outcomes }) => {
      return `| ${picture} | ${sound} | ${DELIVERIES.map(delivery => wordsFor(outcomes[delivery])).join(' | ')} |`;
    }),
    ...(unmade.length > 0
      ? [
          '',
          `Not made by this ffmpeg: ${unmade.map(({ combination: { picture, sound }, reason }) => `${picture} with ${sound} (${reason})`).join('; ')}.`,
        ]
      : []),
  ];
}

function wordsFor(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'played':
      return outcome.picture === 'direct' ? 'plays' : `${outcome.picture}, sound ${outcome.sound}`;
    case 'refused':
      return `refused: ${outcome.reasons}`;
    case 'failed':
      return `**failed**: ${outcome.why}`;
  }
}
