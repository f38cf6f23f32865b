// Makes a fresh clone ready: npm packages (Node 22 among them) and ffmpeg; for checks and measurements also what only they need, and
// for the tests a browser, and for the matrix of players all of them. Plain JavaScript, because the machine's Node may be older.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const marker = new URL('../node_modules/.ferrite-installed', import.meta.url);
const forClients = process.argv.includes('--for-clients');
const forTests = forClients || process.argv.includes('--for-tests');
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

const apt = process.getuid?.() === 0 ? ['apt-get'] : ['sudo', '-n', 'apt-get'];

/** @param {string[]} args */
const runApt = args => run(apt[0] ?? 'apt-get', [...apt.slice(1), ...args]);

/** @param {string[]} packages */
function install(packages) {
  const args = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
  console.error(`ferrite: installing ${packages.join(', ')} …`);
  if (runApt(args)) return true;
  runApt(['update', '-qq']);
  return runApt(args);
}

/** @param {string} name @param {string[]} commands @param {string} setting */
function requireProgram(name, commands, setting) {
  if (commands.some(isThere)) return;
  const hint = `install it (Debian: apt-get install ${name})${setting}`;
  const [command = 'apt-get', ...prefix] = apt;
  if (process.platform !== 'linux' || spawnSync(command, [...prefix, '--version'], { stdio: 'ignore' }).status !== 0)
    fail(`${name} is missing: ${hint}`);
  if (!install([name])) fail(`${name} could not be installed: ${hint}`);
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`ferrite: ${message}`);
  process.exit(1);
}

/** What `npm run clients` plays with: whether a file of it is there, and the packages of Debian that bring it. */
const PLAYERS = [
  { file: '/usr/bin/firefox-esr', packages: ['firefox-esr'] },
  { file: '/usr/bin/WebKitWebDriver', packages: ['webkit2gtk-driver', 'libwebkit2gtk-4.1-0', 'xvfb', 'xauth'] },
  { file: '/usr/lib/python3/dist-packages/gi', packages: ['python3-gi'] },
  {
    file: '/usr/bin/gst-launch-1.0',
    packages: [
      'gstreamer1.0-tools',
      'gir1.2-gst-plugins-base-1.0',
      ...['base', 'good', 'bad', 'ugly'].map(set => `gstreamer1.0-plugins-${set}`),
      'gstreamer1.0-libav',
    ],
  },
  { file: '/usr/bin/mpv', packages: ['mpv'] },
  // A sound card in memory: players keep their clocks by it.
  { file: '/usr/bin/pulseaudio', packages: ['pulseaudio', 'gstreamer1.0-pulseaudio'] },
  { file: '/usr/bin/vlc', packages: ['vlc-bin', 'vlc-plugin-base'] },
];

/** One that can not be had is an error in the table, not the end of the run. */
function installPlayers() {
  for (const { file, packages } of PLAYERS) {
    if (existsSync(file)) continue;
    if (process.platform !== 'linux' || !install(packages)) console.error(`ferrite: no ${packages[0]}: its rows will say so`);
  }
}

installPackages();
if (!process.env.FERRITE_FFMPEG) requireProgram('ffmpeg', ['ffmpeg'], ', or name it with FERRITE_FFMPEG and FERRITE_FFPROBE');
if (forTests) requireProgram('chromium', ['chromium', 'chromium-browser', 'google-chrome'], '');
if (forClients) installPlayers();
