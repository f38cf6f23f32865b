// Which file systems tell of no change that another machine makes.
import { statfs } from 'node:fs/promises';

/** Numbers of Linux. */
const WITHOUT_EVENTS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'nfs'],
  [0x517b, 'smb'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb'],
  [0x65735546, 'fuse'],
  [0x01021997, '9p'],
  [0x00c36400, 'ceph'],
  [0x5346414f, 'afs'],
  [0x786f4256, 'vboxsf'],
]);

/** Its name; null where changes are told of. */
export async function withoutEvents(folder: string): Promise<string | null> {
  if (process.platform !== 'linux') return null;
  const { type } = await statfs(folder);
  return WITHOUT_EVENTS.get(type) ?? null;
}
