#!/usr/bin/env node
// ferrite serve, ferrite doctor: the command, in a process whose environment is right before a module is loaded.
import { returnFreedMemory } from './allocator.ts';

const USAGE = 'usage: ferrite serve | ferrite doctor [--json]';

const [command, ...options] = process.argv.slice(2);
if (command === 'serve') returnFreedMemory();
const { doctor, serve } = await import('./commands.ts');
if (command === 'serve') await serve();
else if (command === 'doctor' && options.every(option => option === '--json')) await doctor(options.length > 0);
else {
  console.error(USAGE);
  const { EXIT } = await import('./start-failure.ts');
  process.exitCode = EXIT.badConfiguration;
}
