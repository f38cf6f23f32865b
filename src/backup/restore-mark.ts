// Says in a data folder that a backup is being put in its place: until that is done it is neither the old nor the new one.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const restoreMark = (dataDir: string): string => join(dataDir, 'unfinished-restore');

export const isHalfRestored = (dataDir: string): boolean => existsSync(restoreMark(dataDir));
