// Says outside the store that this server has had an administrator: a store that lost its users never lets a stranger make the next one.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const setUpMarkPath = (dataDir: string): string => join(dataDir, 'set-up');

export const hasSetUpMark = (dataDir: string): boolean => existsSync(setUpMarkPath(dataDir));

/** Only the file's existence counts, so that it need not be written atomically. */
export async function leaveSetUpMark(dataDir: string): Promise<void> {
  await writeFile(setUpMarkPath(dataDir), 'An administrator was made. See docs/operations.md before removing this file.\n', {
    mode: 0o600,
  });
}
