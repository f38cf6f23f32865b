// Makes a fresh clone ready: npm packages (Node 22 among them) and ffmpeg; for checks and measurements also what only they need, and
// for the tests a browser. Plain JavaScript, because the machine's Node may be older.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const marker = new URL('../node_modules/.ferrite-installed', import.meta.url);
const forTests = process.argv.includes('--for-tests');
const forDevelopment = forTests || process.argv.includes('--for-development');

/** @param {string} command @param {string[]} args */
const run = (command, args) => spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: false }).status === 0;
/** @param {string} command */
const isThere = command => spawnSync(command, ['-version'], { stdio: 'ignore' }).error === undefined;

/** What an earlier run installed: from which lock file, and whether the packages for development too. */
function installed() {
  if (!existsSync(marker)) return { lock: '', hasDevelopment: false };
  const [first = '', ...lines] = readFileSync(marker, 'utf8').split('\n');
  // Before there was a choice the marker was the lock file, and everything was installed.
  if (first.startsWith('{')) return { lock: [first, ...lines].join('\n'), hasDevelopment: true };
  return { lock: lines.join('\n'), hasDevelopment: first === 'everything' };
}

function installPackages() {
  const lock = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');
  const before = installed();
  if (before.lock === lock && (before.hasDevelopment || !forDevelopment)) return;
  // npm takes away what is left out: who has tested here once keeps what the tests need.
  const withDevelopment = forDevelopment || before.hasDevelopment;
  console.error('ferrite: installing npm packages …');
  // Every package we use ships its binaries: no install script needs to run. Not `npm ci`, which refuses a lock file that was
  // written where some other platform's optional package could not be had.
  const install = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const extent = withDevelopment ? ['--include=dev'] : ['--omit=dev'];
  if (!run('npm', [...install, ...extent])) fail('npm install failed; see the lines above');
  writeFileSync(marker, `${withDevelopment ? 'everything' : 'without development'}\n${lock}`);
}

/** @param {string} name @param {string[]} commands @param {string} setting */
function requireProgram(name, commands, setting) {
  if (commands.some(isThere)) return;
  const hint = `install it (Debian: apt-get install ${name})${setting}`;
  const apt = process.getuid?.() === 0 ? ['apt-get'] : ['sudo', '-n', 'apt-get'];
  const [command = 'apt-get', ...prefix] = apt;
  if (process.platform !== 'linux' || spawnSync(command, [...prefix, '--version'], { stdio: 'ignore' }).status !== 0)
    fail(`${name} is missing: ${hint}`);
  console.error(`ferrite: installing ${name} …`);
  const install = [...prefix, 'install', '-y', '-qq', '--no-install-recommends', name];
  if (!run(command, install)) {
    run(command, [...prefix, 'update', '-qq']);
    if (!run(command, install)) fail(`${name} could not be installed: ${hint}`);
  }
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`ferrite: ${message}`);
  process.exit(1);
}

installPackages();
if (!process.env.FERRITE_FFMPEG) requireProgram('ffmpeg', ['ffmpeg'], ', or name it with FERRITE_FFMPEG and FERRITE_FFPROBE');
if (forTests) requireProgram('chromium', ['chromium', 'chromium-browser', 'google-chrome'], '');
