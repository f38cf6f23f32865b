// `npm run conformance -- <address of a multivariant playlist>`: every check over everything behind it; exits 1 where an error was found.
import { checkAddress } from './stream.ts';

const [address] = process.argv.slice(2);
if (address === undefined) {
  console.error('usage: npm run conformance -- <address of a multivariant playlist>');
  process.exitCode = 2;
} else {
  const findings = await checkAddress(address);
  for (const { level, check, rule, where, what } of findings) console.log(`${level}  ${check} (${rule})  ${where}: ${what}`);
  const errors = findings.filter(({ level }) => level === 'error').length;
  console.log(`${errors} errors, ${findings.length - errors} warnings`);
  process.exitCode = errors === 0 ? 0 : 1;
}
