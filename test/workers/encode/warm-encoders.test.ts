import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { SpawnerProcess } from '#src/threads/spawner-process.ts';
import { WarmEncoders } from '#workers/encode/warm-encoders.ts';
import { HardwareUse } from '#workers/encoders/hardware-use.ts';
import { type ChildProcess, SpawnerClient } from '#workers/programs/spawner-client.ts';

const DEADLINE = { timeout: 300_000 };

/** Counts what is started; `cat` waits for its stdin as an encoder does. */
class CountingSpawner extends SpawnerClient {
  readonly started: ChildProcess[] = [];

  override async run(file: string, args: readonly string[]): Promise<ChildProcess> {
    const child = await super.run(file, args);
    this.started.push(child);
    return child;
  }
}

async function pool(t: TestContext, options: { limit?: number; expiryMs?: number } = {}) {
  const process = await SpawnerProcess.start(() => undefined);
  const spawner = new CountingSpawner(process.socketPath);
  const encoders = new WarmEncoders({ spawner, ffmpegPath: 'cat', limit: 4, hardware: new HardwareUse(() => undefined), ...options });
  t.after(async () => {
    encoders.close();
    await spawner.close();
    await process.close();
  });
  return { spawner, encoders, starterPid: process.pid ?? 0 };
}

test('warm encoders: one that waits is handed out once, and works', DEADLINE, async t => {
  const { spawner, encoders } = await pool(t);
  encoders.prepare(['-']);
  encoders.prepare(['-']);
  const first = await encoders.take(['-']);
  assert.equal(spawner.started.length, 1);
  await first.spawned;
  const answer = new Promise<Buffer>(resolve => first.socket.once('data', resolve));
  first.socket.end('a film');
  assert.equal((await answer).toString(), 'a film');
  assert.equal((await first.exited).exitCode, 0, 'the end of what is fed is the end of its stdin');
  await encoders.take(['-']);
  assert.equal(spawner.started.length, 2);
});

test('warm encoders: beyond the limit the one that waits longest ends', DEADLINE, async t => {
  const { spawner, encoders } = await pool(t, { limit: 1 });
  encoders.prepare(['-']);
  const waiting = await spawner.run('cat', []);
  encoders.prepare(['-', '-']);
  assert.equal((await spawner.started[0]?.exited)?.signal, 'SIGKILL');
  waiting.kill('SIGKILL');
});

test('warm encoders: one that nobody takes ends, and none is left when they are closed', DEADLINE, async t => {
  const { spawner, encoders } = await pool(t, { expiryMs: 20 });
  encoders.prepare(['-']);
  const other = await spawner.run('cat', []);
  await spawner.started[0]?.exited;
  other.kill('SIGKILL');
  encoders.prepare(['-', '-']);
  encoders.close();
  encoders.prepare(['-']);
  const taken = await encoders.take(['-', '-', '-']);
  assert.equal((await spawner.started[2]?.exited)?.signal, 'SIGKILL');
  taken.kill('SIGKILL');
});

test('warm encoders: one whose starter is lost is ended, not left waiting for nobody', DEADLINE, async t => {
  const { spawner, encoders, starterPid } = await pool(t);
  encoders.prepare(['-']);
  const taken = await encoders.take(['-', '-']);
  const [waiting] = spawner.started;
  await Promise.all([waiting?.spawned, taken.spawned]);
  process.kill(starterPid, 'SIGKILL');
  await once(waiting?.socket ?? taken.socket, 'close');
  assert.equal(taken.socket.destroyed, false, 'one that was handed out is its owner’s');
  taken.kill('SIGKILL');
  taken.socket.destroy();
});
