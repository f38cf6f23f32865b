// Stands in for ffmpeg: passes its output through and notes when each fragment's last byte came out of it. Plain JavaScript, as it starts sooner.
// usage: node ffmpeg-probe.mjs <log folder> <core or -> <ffmpeg arguments …>
import { spawn } from 'node:child_process';
import { openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { BoxCounter } from './box-counter.ts';

const [, , folder = '', core = '-', ...args] = process.argv;
const isVideo = args.includes('libx264');
const command = core === '-' ? ['ffmpeg', ...args] : ['taskset', '-c', core, 'ffmpeg', ...args];
const [file = 'ffmpeg', ...rest] = command;
/** Frames of the encoder that the run begins with; they come out of another descriptor. */
const quickFrames = Number(args.join(' ').match(/trim=start_frame=(\d+)/)?.[1] ?? 0);
const child = spawn(file, rest, { stdio: ['inherit', isVideo ? 'pipe' : 'inherit', 'inherit', quickFrames > 0 ? 'pipe' : 'ignore'] });
child.once('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 0 : 1);
});

if (child.stdout) {
  const log = openSync(join(folder, `${process.pid}.log`), 'a');
  writeSync(log, `${JSON.stringify(args)}\n`);
  /** @type {string[]} */
  let lines = [];
  let readAtNs = 0n;
  /** @type {(from: import('node:stream').Readable, to: import('node:stream').Writable, counter: BoxCounter) => void} */
  const pass = (from, to, counter) => {
    from.on('data', chunk => {
      readAtNs = process.hrtime.bigint();
      // To a socket this returns when the bytes are in it: the product has them before anything is counted here.
      to.write(chunk);
      counter.push(chunk);
      if (lines.length === 0) return;
      writeSync(log, lines.join(''));
      lines = [];
    });
  };
  /** @param {number} count */
  const note = count => lines.push(`${count} ${readAtNs}\n`);
  pass(child.stdout, process.stdout, new BoxCounter(count => note(quickFrames + count)));
  const quick = child.stdio[3];
  if (quick && 'read' in quick) {
    const counter = new BoxCounter(count => {
      if (count <= quickFrames) note(count);
    });
    pass(quick, new Socket({ fd: 3 }), counter);
  }
  // Its reader is gone, and so shall it be.
  process.stdout.once('error', () => child.kill('SIGKILL'));
}
