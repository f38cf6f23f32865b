import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SpawnerProcess } from '#src/threads/spawner-process.ts';
import { ENCODER_LIMITS } from '#workers/programs/limits.ts';
import { type ChildProcess, SpawnerClient, toolRunner } from '#workers/programs/spawner-client.ts';
import { temporaryFolder } from '../../support/run-tool.ts';
import { isAlive, until } from '../../support/until.ts';

const DEADLINE = { timeout: 300_000 };
const SPAWNER = fileURLToPath(new URL('../../../workers/programs/spawner.ts', import.meta.url));
const STDERR_TAIL_BYTES = 64 * 1024;

async function start(t: TestContext) {
  let lost = 0;
  const spawner = await SpawnerProcess.start(() => {
    lost++;
  });
  const client = new SpawnerClient(spawner.socketPath);
  t.after(async () => {
    await client.close();
    await spawner.close();
  });
  return { spawner, client, lost: () => lost };
}

const sh = (client: SpawnerClient, script: string): Promise<ChildProcess> => client.run('sh', ['-c', script]);

/** A program that tells its pid first, then does something. */
async function withPid(client: SpawnerClient, script: string): Promise<{ child: ChildProcess; pid: number }> {
  const child = await sh(client, `echo $$; exec ${script}`);
  const [line] = (await once(child.socket, 'data')) as [Buffer];
  return { child, pid: Number.parseInt(line.toString(), 10) };
}

test('spawner: a program runs, its output comes out whole, and its exit is told', DEADLINE, async t => {
  const { client } = await start(t);
  const child = await sh(client, 'head -c 3000000 /dev/zero; echo done >&2');
  let byteLength = 0;
  child.socket.on('data', (chunk: Buffer) => {
    byteLength += chunk.byteLength;
  });
  const [exit] = await Promise.all([child.exited, once(child.socket, 'close')]);
  assert.deepEqual([byteLength, exit.exitCode, exit.signal, exit.stderrTail], [3_000_000, 0, null, 'done\n']);
});

test('spawner: what is written to the connection is the program’s input', DEADLINE, async t => {
  const { client } = await start(t);
  const child = await client.run('tr', ['a-z', 'A-Z']);
  await child.spawned;
  child.socket.end('film');
  assert.equal(await text(child.socket), 'FILM');
});

test('spawner: arguments arrive as they are, and only a small environment does', DEADLINE, async t => {
  const { client } = await start(t);
  const strange = ['a b', '$(id)', '`id`', `'"`, '-x;|&', 'Ünïcode', '\\', '*', ''];
  const printed = await client.run('printf', ['%s\\n', ...strange]);
  assert.equal(await text(printed.socket), strange.map(arg => `${arg}\n`).join(''));
  const environment = await text((await client.run('env', [])).socket);
  assert.deepEqual(
    environment
      .trim()
      .split('\n')
      .map(line => line.split('=')[0])
      .sort(),
    ['AV_LOG_FORCE_NOCOLOR', 'FERRITE_SPAWNER', 'LANG', 'PATH'],
  );
});

test('spawner: a program gets none of the files that the server has open', DEADLINE, async t => {
  const folder = await temporaryFolder(t);
  const [store, socketPath] = [join(folder, 'store'), join(folder, 'starter', 'spawner')];
  mkdirSync(join(folder, 'starter'));
  const fd = openSync(store, 'w');
  t.after(() => closeSync(fd));
  // One that stays open across an exec, as a library's may; of the lowest numbers Node itself takes care.
  const others = Array.from({ length: 20 }, () => 'ignore' as const);
  const starter = spawn(process.execPath, [SPAWNER, socketPath], { stdio: ['pipe', 'pipe', 'inherit', ...others, fd] });
  t.after(() => starter.stdin?.end());
  await once(starter.stdout ?? starter, 'data');
  const client = new SpawnerClient(socketPath);
  t.after(() => client.close());
  assert.ok(!(await text((await sh(client, 'ls -l /proc/self/fd')).socket)).includes(store));
});

test('spawner: exit codes and signals are told', DEADLINE, async t => {
  const { client } = await start(t);
  assert.equal((await (await sh(client, 'exit 3')).exited).exitCode, 3);
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const { child, pid } = await withPid(client, 'sleep 1000');
    child.kill(signal);
    const exit = await child.exited;
    assert.deepEqual([exit.exitCode, exit.signal, isAlive(pid)], [null, signal, false]);
  }
});

test('spawner: what a program started ends with it', DEADLINE, async t => {
  const { client } = await start(t);
  const child = await sh(client, 'sleep 1000 & echo $!; wait');
  const [line] = (await once(child.socket, 'data')) as [Buffer];
  child.kill('SIGKILL');
  await child.exited;
  await until(() => !isAlive(Number.parseInt(line.toString(), 10)), 'it is gone too');
});

test('spawner: a program that is not there is told, and the next one runs', DEADLINE, async t => {
  const { client } = await start(t);
  const child = await client.run('ferrite-no-such-program', []);
  const [exit] = await Promise.all([child.exited, text(child.socket)]);
  assert.notEqual(exit.exitCode, 0);
  assert.match(exit.stderrTail, /ferrite-no-such-program could not be started/);
  assert.equal((await (await sh(client, 'exit 0')).exited).exitCode, 0);
});

test('spawner: a flood of error output blocks nothing, and its end is kept', DEADLINE, async t => {
  const { client } = await start(t);
  const child = await sh(client, 'head -c 20000000 /dev/zero | tr "\\0" e >&2; echo the end >&2; echo out');
  const [output, exit] = await Promise.all([text(child.socket), child.exited]);
  assert.equal(output, 'out\n');
  assert.ok(exit.stderrTail.length <= STDERR_TAIL_BYTES && exit.stderrTail.length > STDERR_TAIL_BYTES / 2);
  assert.ok(exit.stderrTail.endsWith('eethe end\n'));
});

test('spawner: error output arrives with whole characters, wherever it was cut into pieces', DEADLINE, async t => {
  const { client } = await start(t);
  // More than is kept, so that it is cut inside a character, and more than is read at once.
  const child = await sh(client, 'i=0; while [ $i -lt 30000 ]; do printf "€"; i=$((i+1)); done >&2');
  const { stderrTail } = await child.exited;
  assert.equal(stderrTail, '€'.repeat(Math.floor(STDERR_TAIL_BYTES / 3)));
});

test('spawner: a reader that pauses pauses the program', DEADLINE, async t => {
  const { client } = await start(t);
  const { child, pid } = await withPid(client, 'yes');
  const written = (): number => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
  /** Asleep, for want of a reader: one that only waits for a core is not. */
  const isBlocked = (): boolean => / S /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  child.socket.pause();
  let before = -1;
  await until(() => {
    const isSteady = isBlocked() && before === written();
    before = written();
    return isSteady;
  }, 'the program stands still');
  assert.ok(before < 4_000_000, `only what fits in between was written, not ${before} bytes`);
  child.socket.resume();
  await until(() => written() > before + 1_000_000, 'it goes on');
  child.kill('SIGKILL');
  await child.exited;
});

test('spawner: when a client goes, its programs go, and those of others stay', DEADLINE, async t => {
  const { spawner, client } = await start(t);
  const other = new SpawnerClient(spawner.socketPath);
  t.after(() => other.close());
  const mine = await withPid(client, 'sleep 1000');
  const theirs = await withPid(other, 'sleep 1000');
  await client.close();
  assert.equal((await mine.child.exited).signal, 'SPAWNER_LOST');
  await until(() => !isAlive(mine.pid), 'the program is gone');
  assert.ok(isAlive(theirs.pid));
});

test('spawner: when its stdin closes, it goes with every program and its socket', DEADLINE, async t => {
  const { spawner, client } = await start(t);
  const { pid } = await withPid(client, 'sleep 1000');
  const spawnerPid = spawner.pid ?? 0;
  await spawner.close();
  await until(() => !isAlive(pid) && !isAlive(spawnerPid), 'both are gone');
  assert.ok(!existsSync(spawner.socketDir));
});

test('spawner: one that is killed is replaced at the same address, and who waited is told', DEADLINE, async t => {
  const { spawner, client, lost } = await start(t);
  const { child, pid } = await withPid(client, 'sleep 1000');
  t.after(() => isAlive(pid) && process.kill(pid, 'SIGKILL'));
  const firstPid = spawner.pid ?? 0;
  process.kill(firstPid, 'SIGKILL');
  assert.equal((await child.exited).signal, 'SPAWNER_LOST');
  await until(() => spawner.pid !== firstPid && existsSync(spawner.socketPath), 'there is another');
  await until(async () => {
    const next = await sh(client, 'exit 0').catch(() => null);
    return next !== null && (await next.exited).exitCode === 0;
  }, 'programs run again');
  assert.equal(lost(), 1);
});

test('spawner: programs that are given up before they started leave nothing open', DEADLINE, async t => {
  const { spawner, client } = await start(t);
  await (await sh(client, 'exit 0')).exited;
  const open = (): number => readdirSync(`/proc/${spawner.pid}/fd`).length;
  const before = open();
  for (let round = 0; round < 30; round++) {
    const child = await sh(client, 'sleep 1000');
    child.kill('SIGKILL');
    child.socket.destroy();
    assert.notEqual((await child.exited).signal, null);
  }
  await until(() => open() <= before, `no more than ${before} descriptors`);
});

test('spawner: a connection that comes after its program was given up is closed', DEADLINE, async t => {
  const { spawner } = await start(t);
  const connect = (hello: object): net.Socket => {
    const socket = net.connect(spawner.socketPath);
    t.after(() => socket.destroy());
    socket.write(`${JSON.stringify(hello)}\n`);
    return socket;
  };
  const control = connect({ type: 'control', client: 'a' });
  await once(control, 'data');
  control.write(`${JSON.stringify({ type: 'run', id: 7, file: 'sleep', args: ['1000'] })}\n`);
  control.write(`${JSON.stringify({ type: 'kill', id: 7, signal: 'SIGKILL' })}\n`);
  const [answer] = (await once(control, 'data')) as [Buffer];
  assert.deepEqual(JSON.parse(answer.toString()), { type: 'exited', id: 7, exitCode: null, signal: 'SIGKILL', stderrTail: '' });
  // Nothing is kept of what was given up: a second one finds it gone too.
  for (let late = 0; late < 2; late++) await once(connect({ type: 'data', client: 'a', id: 7 }).resume(), 'close');
});

test('spawner: where nobody listens, or hangs up at once, it is tried again until the client is closed', DEADLINE, async t => {
  const socketPath = join(await temporaryFolder(t), 'spawner');
  let calls = 0;
  const server = net.createServer(socket => {
    calls++;
    socket.resume().end();
  });
  server.listen(socketPath);
  t.after(() => new Promise<void>(resolve => server.close(() => resolve())));
  await once(server, 'listening');
  for (const path of [socketPath, `${socketPath}-not-there`]) {
    const client = new SpawnerClient(path);
    const rejected = assert.rejects(client.run('true', []), { code: 'WORKER_LOST' });
    if (path === socketPath) await until(() => calls > 1, 'it is tried again');
    await client.close();
    await rejected;
  }
});

test('spawner: a tool gives its output and exit; it is ended when it takes or prints too much, or nobody wants it', DEADLINE, async t => {
  const { client } = await start(t);
  const run = toolRunner(client, { ffmpeg: 'sh', ffprobe: 'ferrite-no-such-program' });
  const limits = { deadlineMs: 10_000, maxOutputBytes: 1000 };
  const result = await run('ffmpeg', ['-c', 'echo out; echo err >&2; exit 4'], limits);
  assert.deepEqual([result.stdout.toString(), result.stderrTail, result.exitCode], ['out\n', 'err\n', 4]);
  await assert.rejects(run('ffmpeg', ['-c', 'sleep 1000'], { ...limits, deadlineMs: 50 }), {
    code: 'INSPECTION_DEFERRED',
    message: /longer than 50 ms/,
  });
  await assert.rejects(run('ffmpeg', ['-c', 'yes'], limits), { code: 'MEDIA_UNREADABLE', message: /more than 1000 bytes/ });
  const controller = new AbortController();
  const cancelled = run('ffmpeg', ['-c', 'sleep 1000'], { ...limits, signal: controller.signal });
  controller.abort();
  await assert.rejects(cancelled, { message: /was cancelled/ });
  await assert.rejects(run('ffprobe', [], limits), { code: 'WORKER_LOST', message: 'ferrite-no-such-program could not be started' });
});

test('spawner: a program runs within its limits, and keeps its arguments and its pid', DEADLINE, async t => {
  const { client } = await start(t);
  const limits = { addressSpaceBytes: 1 << 30, dataBytes: 1 << 29, cpuSeconds: 20 };
  const child = await client.run('sh', ['-c', 'echo $$; ulimit -v; ulimit -d; ulimit -t; echo "$0"', '-x $(id)'], limits);
  const lines = (await text(child.socket)).split('\n');
  assert.ok(Number(lines[0]) > 0);
  assert.deepEqual(lines.slice(1, 5), [String(1 << 20), String(1 << 19), '20', '-x $(id)']);
});

test('spawner: a program that takes more memory or processor time than it may fails, and says so', DEADLINE, async t => {
  const { client } = await start(t);
  // `head` takes what it is asked to keep into memory.
  const hungry = await client.run('sh', ['-c', 'head -c 300M /dev/zero | tail -c 300M | wc -c'], { addressSpaceBytes: 100 * 1024 * 1024 });
  assert.equal((await text(hungry.socket)).trim(), '0');
  const runTool = toolRunner(client, { ffmpeg: 'sh', ffprobe: 'sh' });
  const busy = runTool('ffprobe', ['-c', 'exec sh -c "while :; do :; done"'], {
    deadlineMs: 30_000,
    maxOutputBytes: 10,
    limits: { cpuSeconds: 1 },
  });
  await assert.rejects(busy, { code: 'INSPECTOR_LOST', message: /processor time/ });
});

test('spawner: an encoder has a generous bound of memory and none of time', DEADLINE, async t => {
  const { client } = await start(t);
  assert.deepEqual((await text((await sh(client, 'ulimit -d; ulimit -t; nice')).socket)).split('\n'), [
    '8388608',
    'unlimited',
    String(getPriority()),
    '',
  ]);
});

test('spawner: a program that is not there is said not to be there, whatever its limits', DEADLINE, async t => {
  const { client } = await start(t);
  const exit = await (await client.run('no-such-program', [], { cpuSeconds: 1, priority: 'background' })).exited;
  assert.deepEqual([exit.exitCode, exit.stderrTail], [null, 'no-such-program could not be started']);
});

test('spawner: programs in the background stand still while a client holds them, those that begin meanwhile too; others do not', {
  ...DEADLINE,
  skip: !existsSync('/proc/self/stat'),
}, async t => {
  const { client, spawner } = await start(t);
  const holder = new SpawnerClient(spawner.socketPath);
  await (await holder.run('true', [])).exited;
  const sleeper = async (priority?: 'background') => {
    const child = await client.run('sleep', ['1000'], priority ? { priority } : {});
    await child.spawned;
    return child.pid ?? 0;
  };
  const stateOf = (pid: number) => /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1];
  const before = await sleeper('background');
  holder.hold();
  await until(() => stateOf(before) === 'T', 'it stands still');
  const [meanwhile, viewer] = [await sleeper('background'), await sleeper()];
  await until(() => stateOf(meanwhile) === 'T', 'the next one stands still');
  assert.notEqual(stateOf(viewer), 'T');
  holder.release();
  await until(() => stateOf(before) !== 'T' && stateOf(meanwhile) !== 'T', 'they go on');
  holder.hold();
  await until(() => stateOf(before) === 'T', 'it stands still again');
  // Whoever holds them is gone.
  await holder.close();
  await until(() => stateOf(before) !== 'T', 'it goes on again');
});

test('spawner: what stands still when the process starter is killed is ended by the next one', {
  ...DEADLINE,
  skip: !existsSync('/proc/self/stat'),
}, async t => {
  const { client, spawner } = await start(t);
  const child = await client.run('sleep', ['1000'], { priority: 'background' });
  await child.spawned;
  const { pid } = child;
  assert.ok(pid !== null);
  t.after(() => isAlive(pid) && process.kill(pid, 'SIGKILL'));
  client.hold();
  await until(() => / T /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')), 'it stands still');
  process.kill(spawner.pid ?? 0, 'SIGKILL');
  await child.exited;
  await until(() => !isAlive(pid), 'it is gone');
});

test('spawner: a program in the background is nice to other sessions too, where the kernel groups processes by session', {
  ...DEADLINE,
  skip: !existsSync('/proc/self/autogroup'),
}, async t => {
  const { client } = await start(t);
  const child = await client.run('sleep', ['1000'], { priority: 'background' });
  const plain = await client.run('sleep', ['1001']);
  const groupOf = (seconds: string): string => {
    const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name));
    const argv = (pid: string): string => (existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '');
    const pid = pids.find(one => argv(one) === `sleep\0${seconds}\0`);
    return pid === undefined ? '' : readFileSync(`/proc/${pid}/autogroup`, 'utf8');
  };
  await until(() => / nice 10$/m.test(groupOf('1000')) && / nice 0$/m.test(groupOf('1001')), 'one group is nice, the other is not');
  for (const { kill } of [child, plain]) kill('SIGKILL');
});

test(
  'spawner: a program whose data connection never comes is told to have ended, and a connection that says nothing is closed',
  DEADLINE,
  async t => {
    const { spawner } = await start(t);
    const connect = (): net.Socket => {
      const socket = net.connect(spawner.socketPath);
      t.after(() => socket.destroy());
      return socket;
    };
    const control = connect();
    control.write(`${JSON.stringify({ type: 'control', client: 'a' })}\n`);
    await once(control, 'data');
    const silent = once(connect().resume(), 'close');
    control.write(`${JSON.stringify({ type: 'run', id: 7, file: 'sleep', args: ['1000'], limits: ENCODER_LIMITS })}\n`);
    const [answer] = (await once(control, 'data')) as [Buffer];
    const stderrTail = 'its data connection did not come';
    assert.deepEqual(JSON.parse(answer.toString()), { type: 'exited', id: 7, exitCode: null, signal: null, stderrTail });
    await silent;
  },
);
