#!/usr/bin/env node
// ferrite serve, doctor, backup, restore, import-progress, import, export: the command, in a process whose environment is right before a module is loaded.
import { returnFreedMemory } from './allocator.ts';

const USAGE = `usage: ferrite serve | ferrite doctor [--json] | ferrite backup DIR [--with-previews] | ferrite restore DIR [--replace]
       ferrite import-progress FILE [--user NAME] [--dry-run] [--report FILE] [--unit s|ms]
       ferrite import FILE [--user NAME] [--dry-run] [--report FILE] | ferrite export --user NAME`;

const [command, ...rest] = process.argv.slice(2);
const options = rest.filter(word => word.startsWith('--'));
const [folder, ...more] = rest.filter(word => !word.startsWith('--'));
/** Whether what was given beside the command is its one option, a folder where it needs one, and nothing else. */
const isOnly = (option: string, needsFolder: boolean): boolean =>
  options.every(given => given === option) && more.length === 0 && (folder !== undefined) === needsFolder;

if (command === 'serve') returnFreedMemory();
const { backup, doctor, restoreBackup, serve, transfer } = await import('./commands.ts');
if (command === 'serve') await serve();
else if (command === 'doctor' && isOnly('--json', false)) await doctor(options.length > 0);
else if (command === 'backup' && folder && isOnly('--with-previews', true)) await backup(folder, { withPreviews: options.length > 0 });
else if (command === 'restore' && folder && isOnly('--replace', true)) await restoreBackup(folder, { replaces: options.length > 0 });
else if (!(await transfer(command, rest))) {
  console.error(USAGE);
  const { EXIT } = await import('./start-failure.ts');
  process.exitCode = EXIT.badConfiguration;
}
