// npm run loadtest -- <scenario> [options]: measures the product as operators see it, beside nginx and bare ffmpeg.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MissingProgramError, requirePrograms } from './programs.ts';
import { machineFacts, printResult, writeResult } from './report.ts';
import type { Remote, Scenario, ScenarioOptions } from './scenario.ts';
import { direct } from './scenarios/direct.ts';
import { hot } from './scenarios/hot.ts';
import { readiness } from './scenarios/readiness.ts';
import { remuxIndex } from './scenarios/remux-index.ts';
import { seek } from './scenarios/seek.ts';
import { soak } from './scenarios/soak.ts';
import { ttff } from './scenarios/ttff.ts';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ttff,
  seek,
  'remux-index': remuxIndex,
  readiness,
  direct,
  hot,
  soak,
};

const OPTIONS = {
  json: { type: 'string' },
  rounds: { type: 'string' },
  sessions: { type: 'string' },
  'media-dir': { type: 'string' },
  url: { type: 'string' },
  username: { type: 'string' },
  password: { type: 'string' },
} as const;

const WRONG_USE = 2;

class UsageError extends Error {}

function usage(): string {
  const names = Object.entries(SCENARIOS).map(([name, { about }]) => `  ${name.padEnd(14)}${about}`);
  return [
    'usage: npm run loadtest -- <scenario> [--json <file>] [--rounds <n>] [--media-dir <folder for made films>]',
    '       a running server instead of one of its own: --url <url> --username <name> --password <password>',
    ...names,
  ].join('\n');
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const [name = ''] = positionals;
  const scenario = SCENARIOS[name];
  if (!scenario) throw new UsageError(usage());
  requirePrograms(scenario.needs);
  const remote = remoteOf(values);
  if (remote && !scenario.allowsRemote) throw new UsageError(`${name} needs a server of its own: leave --url out`);
  const options: ScenarioOptions = {
    remote,
    rounds: countOf(values.rounds, '--rounds'),
    sessions: countOf(values.sessions, '--sessions'),
    mediaDir: values['media-dir'] ?? join(tmpdir(), 'ferrite-loadtest-media'),
    say: line => console.error(line),
  };
  const machine = machineFacts();
  const result = await scenario.run(options);
  printResult(name, result, machine);
  if (values.json !== undefined) await writeResult(values.json, name, result, machine);
}

function remoteOf({ url, username, password }: { url?: string; username?: string; password?: string }): Remote | null {
  if (url === undefined) return null;
  if (username === undefined || password === undefined) throw new UsageError('--url needs --username and --password');
  return { url, username, password };
}

function countOf(text: string | undefined, name: string): number | null {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new UsageError(`${name} must be a whole number above 0`);
  return Number(text);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof MissingProgramError)) throw error;
  console.error(error.message);
  process.exitCode = WRONG_USE;
}
