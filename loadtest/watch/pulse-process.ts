// One normal viewer's requests at an even pace, in a process of its own: the load of making a crowd does not disturb the measurement.
// usage: node pulse-process.ts <server url> <seconds> <requests per second> <seconds before that> <path> …; prints its waits as JSON.
import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../client/http-client.ts';
import { LeanConnection } from '../client/lean-connection.ts';

const [url = '', seconds = '', perSecond = '', warmUpSeconds = '', ...paths] = process.argv.slice(2);
const connections = paths.map(() => new LeanConnection(url));
const startedMs = nowMs();
const warmUp = Number(warmUpSeconds) * Number(perSecond);
const total = warmUp + Number(seconds) * Number(perSecond);
const waits = paths.map((): number[] => []);
let failures = 0;

for (let number = 0; number < total; number++) {
  const dueMs = startedMs + (number * 1000) / Number(perSecond);
  if (dueMs > nowMs()) await delay(dueMs - nowMs());
  const at = number % paths.length;
  // A timer is late by a millisecond or so: the wait counts from the request. A request that a slow answer delayed counts from the time it was due.
  const fromMs = nowMs() - dueMs > 5 ? dueMs : nowMs();
  try {
    const answer = await connections[at]?.send(paths[at] ?? '');
    if (answer?.status !== 200) failures++;
    else if (number >= warmUp) waits[at]?.push(nowMs() - fromMs);
  } catch {
    failures++;
  }
}
for (const connection of connections) connection.close();
console.log(JSON.stringify({ waits, failures }));
