// `npm run conformance -- <address of a multivariant playlist>`: every check over everything behind it; exits 1 where an error was found.
// With `--rates` every segment is read, to weigh the film at every rung.
import { parseArgs } from 'node:util';
import { checkAddress } from './stream.ts';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { rates: { type: 'boolean', default: false } } });
const [address] = positionals;
if (address === undefined) {
  console.error('usage: npm run conformance -- [--rates] <address of a multivariant playlist>');
  process.exitCode = 2;
} else {
  const findings = await checkAddress(address, { weighs: values.rates });
  for (const { level, check, rule, where, what } of findings) console.log(`${level}  ${check} (${rule})  ${where}: ${what}`);
  const errors = findings.filter(({ level }) => level === 'error').length;
  console.log(`${errors} errors, ${findings.length - errors} warnings`);
  process.exitCode = errors === 0 ? 0 : 1;
}
