// npm run kills -- [count] [seed]: no acknowledged progress is lost, however often the process is killed.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killSavers } from './kills.ts';

const [, , count = '200', seed = '1'] = process.argv;
const folder = await mkdtemp(join(tmpdir(), 'ferrite-kills-'));
try {
  const onKill = (done: number): void => {
    if (done % 20 === 0) console.error(`${done} kills`);
  };
  const { lost, ...facts } = await killSavers(folder, { kills: Number(count), seed: Number(seed), onKill });
  console.log(
    `${facts.kills} kills, ${facts.acknowledged} acknowledged writes of ${facts.records} records, ${lost.length} lost (seed ${seed})`,
  );
  for (const one of lost) console.log(one);
  process.exitCode = lost.length > 0 ? 1 : 0;
} finally {
  await rm(folder, { recursive: true, force: true });
}
