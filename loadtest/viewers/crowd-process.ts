// Holds a slow crowd for `crowd.ts`, with the least claim to its core; obeys one order after another, and ends when the process that gives them ends.
// usage: node crowd-process.ts <server url>, with a channel for messages
import { readdirSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import type { CrowdAnswer, CrowdOrder } from './crowd.ts';
import { SlowCrowd } from './slow-crowd.ts';

// A priority is a thread's: those that collect garbage have their own.
for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), constants.priority.PRIORITY_LOW);

const crowd = new SlowCrowd(process.argv[2] ?? '');
process.on('message', (order: CrowdOrder) => {
  obey(order).then(answer, error => answer({ failure: String(error) }));
});
process.once('disconnect', () => process.exit());
answer(facts());

async function obey(order: CrowdOrder): Promise<CrowdAnswer> {
  switch (order.kind) {
    case 'idle':
      await crowd.idle(order.count, order.path);
      break;
    case 'slowReaders':
      await crowd.slowReaders(order.count, number => order.paths[number % order.paths.length] ?? '', order.bytesPerSecond);
      break;
    case 'endlessHeads':
      await crowd.loris(order.count);
      break;
    case 'drops':
      crowd.dropping(order.perSecond, order.path);
      break;
    case 'leave':
      crowd.close();
  }
  return facts();
}

function facts(): CrowdAnswer {
  const { bytesRead, dropped, failures, closedByServer } = crowd;
  return { facts: { bytesRead, dropped, failures, closedByServer } };
}

function answer(message: CrowdAnswer): void {
  process.send?.(message);
}
