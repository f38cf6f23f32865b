// npm run loadtest -- <scenario> [options]: measures the product as operators see it, beside nginx and bare ffmpeg.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NothingToDrawError, writeCharts } from './charts/files.ts';
import { runGate } from './gate/gate.ts';
import { MissingProgramError, requirePrograms } from './machine/programs.ts';
import { machineFacts, printResult, writeResult } from './report.ts';
import type { Remote, Scenario, ScenarioOptions } from './scenario.ts';
import { compare } from './scenarios/compare.ts';
import { burstAdmission } from './scenarios/crowds/burst-admission.ts';
import { chaos } from './scenarios/crowds/chaos.ts';
import { encodeCapacity } from './scenarios/crowds/encode-capacity.ts';
import { encodeStarts } from './scenarios/crowds/encode-starts.ts';
import { manyIdleSessions } from './scenarios/crowds/many-idle-sessions.ts';
import { mixed } from './scenarios/crowds/mixed.ts';
import { sameTitle } from './scenarios/crowds/same-title.ts';
import { soak } from './scenarios/crowds/soak.ts';
import { fuzz } from './scenarios/fuzz.ts';
import { catalogue } from './scenarios/library/catalogue.ts';
import { hostile } from './scenarios/library/hostile.ts';
import { markers } from './scenarios/library/markers.ts';
import { progress } from './scenarios/library/progress.ts';
import { scan } from './scenarios/library/scan.ts';
import { search } from './scenarios/library/search.ts';
import { abr } from './scenarios/playback/abr.ts';
import { ladder } from './scenarios/playback/ladder.ts';
import { quality } from './scenarios/playback/quality.ts';
import { readiness } from './scenarios/playback/readiness.ts';
import { remuxIndex } from './scenarios/playback/remux-index.ts';
import { seek } from './scenarios/playback/seek.ts';
import { seekStorm } from './scenarios/playback/seek-storm.ts';
import { sessionStart } from './scenarios/playback/session-start.ts';
import { sessionsChurn } from './scenarios/playback/sessions-churn.ts';
import { ttff } from './scenarios/playback/ttff.ts';
import { auth } from './scenarios/serving/auth.ts';
import { direct } from './scenarios/serving/direct.ts';
import { playlist } from './scenarios/serving/playlist.ts';
import { segmentCold } from './scenarios/serving/segment-cold.ts';
import { segmentHot } from './scenarios/serving/segment-hot.ts';
import { slowClients } from './scenarios/serving/slow-clients.ts';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  compare,
  playlist,
  'segment-hot': segmentHot,
  'segment-cold': segmentCold,
  auth,
  'session-start': sessionStart,
  ttff,
  seek,
  abr,
  'remux-index': remuxIndex,
  ladder,
  quality,
  readiness,
  direct,
  'same-title': sameTitle,
  'many-idle-sessions': manyIdleSessions,
  'seek-storm': seekStorm,
  'burst-admission': burstAdmission,
  'encode-capacity': encodeCapacity,
  'encode-starts': encodeStarts,
  'slow-clients': slowClients,
  'sessions-churn': sessionsChurn,
  scan,
  search,
  hostile,
  catalogue,
  progress,
  markers,
  mixed,
  chaos,
  soak,
  fuzz,
};

const COMMANDS = {
  list: 'this list',
  charts: 'draws the charts of JSON results: charts <file …> [--to <folder>]',
  gate: 'ratios and counts that must not get worse than loadtest/gate/baseline.json (--update writes it); needs only ffmpeg',
};

const OPTIONS = {
  json: { type: 'string' },
  rounds: { type: 'string' },
  sessions: { type: 'string' },
  viewers: { type: 'string' },
  minutes: { type: 'string' },
  'media-dir': { type: 'string' },
  url: { type: 'string' },
  username: { type: 'string' },
  password: { type: 'string' },
  to: { type: 'string' },
  update: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>['values'];

const WRONG_USE = 2;
const NAME_WIDTH = 20;

class UsageError extends Error {}

function usage(): string {
  const scenarios = Object.entries(SCENARIOS).flatMap(([name, { about, needs, allowsRemote }]) => {
    const server = allowsRemote ? 'starts its own server, or takes --url' : 'starts what it measures';
    return [`  ${name.padEnd(NAME_WIDTH)}${about}`, `  ${''.padEnd(NAME_WIDTH)}needs ${needs.join(', ')}; ${server}`];
  });
  return [
    'usage: npm run loadtest -- <scenario> [--json <file>] [--rounds <n>] [--sessions <n>] [--viewers <n>] [--minutes <n>]',
    '                                      [--media-dir <folder for made films>]',
    '       a running server instead of one of its own: --url <url> --username <name> --password <password>',
    '',
    ...scenarios,
    '',
    ...Object.entries(COMMANDS).map(([name, about]) => `  ${name.padEnd(NAME_WIDTH)}${about}`),
  ].join('\n');
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const [name = '', ...files] = positionals;
  if (name === 'list') console.log(usage());
  else if (name === 'charts') await draw(files, values);
  else if (name === 'gate') await guard(values);
  else await measure(name, values);
}

async function measure(name: string, values: Values): Promise<void> {
  const scenario = SCENARIOS[name];
  if (!scenario) throw new UsageError(usage());
  requirePrograms(scenario.needs);
  const remote = remoteOf(values);
  if (remote && !scenario.allowsRemote) throw new UsageError(`${name} measures what it starts itself: leave --url out`);
  const options: ScenarioOptions = {
    remote,
    rounds: countOf(values.rounds, '--rounds'),
    sessions: countOf(values.sessions, '--sessions'),
    viewers: countOf(values.viewers, '--viewers'),
    minutes: minutesOf(values.minutes),
    mediaDir: mediaDirOf(values),
    say: line => console.error(line),
  };
  const machine = machineFacts();
  const result = await scenario.run(options);
  printResult(name, result, machine);
  if (values.json !== undefined) await writeResult(values.json, name, result, machine);
}

async function draw(files: readonly string[], { to }: Values): Promise<void> {
  if (files.length === 0) throw new UsageError('charts needs the JSON files of scenarios');
  for (const path of await writeCharts(files, to ?? null)) console.log(path);
}

async function guard(values: Values): Promise<void> {
  requirePrograms(['ffmpeg']);
  const isKept = await runGate({ isUpdate: values.update, mediaDir: mediaDirOf(values), say: line => console.log(line) });
  if (!isKept) process.exitCode = 1;
}

const mediaDirOf = (values: Values): string => values['media-dir'] ?? join(tmpdir(), 'ferrite-loadtest-media');

function remoteOf({ url, username, password }: Values): Remote | null {
  if (url === undefined) return null;
  if (username === undefined || password === undefined) throw new UsageError('--url needs --username and --password');
  return { url, username, password };
}

function minutesOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,4}(\.\d{1,3})?$/.test(text) || Number(text) === 0) throw new UsageError('--minutes must be a number above 0');
  return Number(text);
}

function countOf(text: string | undefined, name: string): number | null {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new UsageError(`${name} must be a whole number above 0`);
  return Number(text);
}

try {
  await main();
} catch (error) {
  const isTold = error instanceof UsageError || error instanceof MissingProgramError || error instanceof NothingToDrawError;
  if (!isTold) throw error;
  console.error(error.message);
  process.exitCode = WRONG_USE;
}
