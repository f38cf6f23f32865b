// A sound card that nobody hears: players keep their clocks by it, as by a real one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../support/processes.ts';

/** Every player that is started until it is closed plays on it. */
export async function openSoundCard(): Promise<{ close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-sound-'));
  const socket = join(folder, 'socket');
  const modules = ['module-null-sink sink_name=clients rate=48000', `module-native-protocol-unix socket=${socket} auth-anonymous=1`];
  const args = ['--daemonize=no', '-n', '--use-pid-file=no', '--disable-shm=yes', '--exit-idle-time=-1'];
  const child = spawn('pulseaudio', [...args, ...modules.map(module => `--load=${module}`)], {
    stdio: 'ignore',
    env: { ...process.env, HOME: folder, XDG_RUNTIME_DIR: folder },
  });
  const failed = once(child, 'error').then(([error]) => Promise.reject(error));
  await Promise.race([until('a sound card', () => existsSync(socket)), failed]);
  process.env.PULSE_SERVER = `unix:${socket}`;
  return {
    close: async () => {
      delete process.env.PULSE_SERVER;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
