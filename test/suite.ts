// Every test. Most files wait for processes, disks and deadlines more than they work: they run two at a time. What measures a rate, or counts what
// happens in a second, runs after them with the machine to itself.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const SIDE_BY_SIDE = Math.min(2, availableParallelism());

const ALONE = [
  'test/auth/passwords.test.ts',
  'test/browser/abr.test.ts',
  // A player that has to wait for encodes takes another codec.
  'test/browser/encoders.test.ts',
  'test/http/api/operations.test.ts',
  'test/integration/{revocation,rungs,seeking}.test.ts',
  'test/loadtest/client/throttled-link.test.ts',
  'test/threads/silence.test.ts',
];

function filesOf(pattern: string): string[] {
  const files = globSync(pattern);
  if (files.length === 0) throw new Error(`no test is named ${pattern}`);
  return files;
}

function passes(files: readonly string[], concurrency: number): boolean {
  const { status } = spawnSync(process.execPath, ['--test', `--test-concurrency=${concurrency}`, ...files], { stdio: 'inherit' });
  return status === 0;
}

const alone = ALONE.flatMap(filesOf);
const others = filesOf('test/**/*.test.ts').filter(file => !alone.includes(file));
const outcomes = [passes(others, SIDE_BY_SIDE), passes(alone, 1)];
process.exitCode = outcomes.every(Boolean) ? 0 : 1;
