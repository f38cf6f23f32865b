// The memory of an open session that sends nothing but heartbeats.

import { LeanConnection } from '../client/lean-connection.ts';
import { residentBytes } from '../machine/processes.ts';
import { Inspector } from '../watch/inspector.ts';
import type { Finding, Tolerance } from './baseline.ts';
import type { GateWorld } from './world.ts';

/** The first sessions grow the heap to its size, and are not counted. */
const WARM_UP_SESSIONS = 200;
const SESSIONS = 500;
const CONNECTIONS = 8;

const MEMORY: Tolerance = { factor: 1.5, slack: 8_000, why: 'the heap grows in steps, and gives back when it likes' };

export async function idleFindings({ server, account, mediaId, inspectorPort }: GateWorld): Promise<Finding[]> {
  const inspector = await Inspector.attach(server.pid, inspectorPort);
  try {
    const startMany = async (count: number): Promise<void> => {
      let left = count;
      const startSome = async (): Promise<void> => {
        const connection = new LeanConnection(account.url);
        while (left-- > 0) await account.start(connection, { mediaId, delivery: 'remux', positionMs: 0, maxHeight: 0 });
        connection.close();
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, startSome));
      await inspector.collectGarbage();
    };
    await startMany(WARM_UP_SESSIONS);
    const before = residentBytes(server.pid);
    await startMany(SESSIONS);
    const value = Math.max(0, residentBytes(server.pid) - before) / SESSIONS;
    return [{ name: 'bytes of memory per idle session', value, tolerance: MEMORY }];
  } finally {
    inspector.close();
  }
}
