// The product's session host, which is not ready before a file is there.
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import host from '../../workers/host.ts';

export default async function slowHost(options: Parameters<typeof host>[0]): Promise<void> {
  while (!existsSync(process.env.FERRITE_TEST_HOST_GATE ?? '/')) await delay(5);
  await host(options);
}
