// Reads the files whose paths it is told, one after the other. Started by hostile.test.ts, which sees to it that it ends.
import { createInterface } from 'node:readline';
import { exercise, type Outcome } from './exercise.ts';

export type ReadReport = {
  readonly outcome: Outcome | { readonly kind: 'failed'; readonly message: string };
  /** Most memory the process has had so far. */
  readonly maxRssBytes: number;
};

async function outcomeOf(path: string): Promise<ReadReport['outcome']> {
  try {
    return await exercise(path);
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

for await (const path of createInterface({ input: process.stdin })) {
  const report: ReadReport = { outcome: await outcomeOf(path), maxRssBytes: process.resourceUsage().maxRSS * 1024 };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
