// node test/fuzz/main.ts [--mutants <n>] [--seed <n>] [--first <n>]: reads mutants of small films. The last line tells what became of them.
import { parseArgs } from 'node:util';
import { runFuzz } from './fuzz-run.ts';

const SAY_EVERY = 1000;

const { values } = parseArgs({
  options: {
    mutants: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
  },
});
const onMutant = (number: number): void => {
  if (number % SAY_EVERY === 0) console.error(`fuzz: mutant ${number}`);
};
try {
  const [seed, first, count] = [Number(values.seed), Number(values.first), Number(values.mutants)];
  console.log(JSON.stringify(await runFuzz({ seed, first, count, onMutant })));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
