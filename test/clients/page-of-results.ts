// docs/clients.md, from what the players did.
import { availableParallelism } from 'node:os';
import type { CellResult, Outcome } from './cell.ts';
import { CLIENTS } from './clients.ts';
import { FILMS } from './films.ts';
import { PLATFORMS, type Platform, TASKS } from './platforms.ts';
import { DELIVERIES, STEPS, type Step } from './player.ts';

/** In which sitting it was run, and with how many processes wanted a processor at its end: on a machine that has other work, players are late by themselves. */
export type MeasuredCell = CellResult & { readonly load?: number; readonly sitting?: string };

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

const ABOUT = `Written by \`npm run clients\`, never by hand. It installs what is missing of the players (Debian packages, npm) and takes each of them through every delivery: a start, short and long seeks, a scrub of ten seeks in two seconds of which only the last counts, a switch of the sound and of the subtitles, a pause, a close, a resume at the saved place, and a line that narrows and opens again. \`--only chromium-native,mpv\` runs some, \`--quick\` fewer steps, \`--resume\` what a run that was broken off has not, \`--list\` names them. A player that is missing is an error in its rows.

Every picture of the films bears its number, every moment of their sound its time (a tone that rises by 150 Hz a second). After each step they are read off the player and held against the player's own clock: one that is more than a frame (42 ms) away from it counts as wrong. A pause must still the session's encodes, a close must leave neither session nor encode.`;

const KNOWN = `Whose fault, where it is known:

- **ffmpeg**: a run with \`-ss\` finds no picture in a playlist of fragmented MP4, of ffmpeg's own making too (5.1); it does in MPEG-TS, which an app on it asks for by \`client.capabilities.segments\`. mpv and GStreamer seek right in both.
- **ffmpeg, mpv**: a seek to what was read already (to 0 after the start) lands behind the next keyframe, in playlists of ffmpeg's own making too.
- **ffmpeg, mpv, GStreamer, WebKitGTK's own player** add the largest negative composition offset to the time of every picture: they are given segments without any ([0035](adr/0035-pictures-are-decoded-no-later-than-shown-for-native-readers.md)).
- **GStreamer** 1.22 ends its process with a failed assertion (\`gst_hlsdemux_handle_content_webvtt\`) in some rapid seeks of a playlist that has subtitles.
- **VLC**: its clock is up to three seconds off after a seek; in playlists of ffmpeg’s own making, of fragmented MP4 and of MPEG-TS, it is too (2.0 and 3.5 s). Offsets without a sign change nothing.
- **Chromium, its own HLS**: a change of rung keeps the number of the next segment, whatever time that number has in the other rung (against RFC 8216, 4.3.3.2), and shows it at the time of the one that it would have been: pictures were up to 2.6 s ahead in remuxes whose keyframes do not lie evenly, and two rungs of other segment lengths that ffmpeg had muxed did the same. It is told of the rungs alone that are cut where the first is (\`aligned.m3u8\`). It reads no subtitles of a playlist; an app adds each as a \`<track>\` of its whole text.
- **Firefox, WebKitGTK** without a sound card run their clock a second ahead of what they show; the matrix gives them one in memory.`;

export function pageOf(results: readonly MeasuredCell[]): string {
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
      DELIVERIES.map(delivery => {
        const result = results.find(one => one.client === client.name && one.film === film.name && one.delivery === delivery);
        const head = [client.label, film.name, delivery];
        if (!result) return [...head, '✗ not run', '', ...STEPS.map(() => '')];
        const { pictures, sounds, steps } = result;
        const counts = [`${pictures.wrong} / ${pictures.checked}`, `${sounds.wrong} / ${sounds.checked}`];
        return [...head, ...counts, ...STEPS.map(step => shown(steps[step]))];
      }),
    ),
  );
  const table = tableOf(['player', 'film', 'delivery', 'pictures wrong', 'sounds wrong', ...STEPS.map(step => HEADS[step])], rows);
  return [
    '# Players',
    '',
    ABOUT,
    '',
    machineOf(results),
    '',
    '## Platforms',
    '',
    'What stood for a platform: ✓ every step that was tried is as it should be; ✗ so many steps of so many are not; – not tried.',
    '',
    tableOf(
      ['platform', ...TASKS.map(({ name }) => name)],
      PLATFORMS.map(platform => [platform.name, ...TASKS.map(({ steps }) => standing(platform, steps, results))]),
    ),
    '',
    'What stays untried:',
    '',
    ...PLATFORMS.map(({ name, untried }) => `- **${name}**: ${untried}.`),
    '',
    '## Set-ups',
    '',
    ...FILMS.map(({ name, about }) => `- **${name}**: ${about}.`),
    '',
    table,
    '',
    KNOWN,
    '',
    '✓ as it should be; ✗ wrong; – not tried; · not part of this row. The numbers in brackets:',
    '',
    ...[...notes].map(([text, number]) => `${number}. ${text.replaceAll('|', '\\|')}`),
    '',
  ].join('\n');
}

function standing({ standIns, extent }: Platform, steps: readonly Step[], results: readonly CellResult[]): string {
  if (standIns.length === 0) return '– profile and conformance checker only';
  const parts = standIns.map(name => {
    const outcomes = results.filter(({ client }) => client === name).flatMap(result => steps.flatMap(step => result.steps[step] ?? []));
    const tried = outcomes.filter(({ is }) => is !== 'untried');
    const wrong = tried.filter(({ is }) => is === 'wrong').length;
    const label = CLIENTS.find(client => client.name === name)?.label ?? name;
    if (tried.length === 0) return `${label} –`;
    return wrong === 0 ? `${label} ✓` : `${label} ✗ ${wrong} of ${tried.length}`;
  });
  return `${extent === 'itself' ? '' : 'in part: '}${parts.join('; ')}`;
}

function machineOf(results: readonly MeasuredCell[]): string {
  const loads = results.flatMap(({ load }) => load ?? []).toSorted((a, b) => a - b);
  const [median, most] = [loads[Math.floor(loads.length / 2)] ?? 0, loads.at(-1) ?? 0];
  const cores = availableParallelism();
  const busy = median > 2 * cores ? ': it had much else to do, and steps that miss a deadline of theirs may be its fault' : '';
  const sittings = [...new Set(results.flatMap(({ sitting }) => sitting ?? []))].toSorted();
  const whole =
    sittings.length > 1
      ? ` They are of ${sittings.length} sittings (${sittings.join(', ')}): the run was continued, or some players were run anew.`
      : '';
  return `These rows were run on ${cores} cores with a load of ${median.toFixed(0)} (half of the ${loads.length} rows that note it), ${most.toFixed(0)} at most${busy}.${whole}`;
}

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');
