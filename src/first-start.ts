// The first start of a server: makes the administrator whom the environment names, and the libraries.
import { FerriteError } from '#domain/errors.ts';
import { newLibraryId } from '#domain/ids.ts';
import type { Library } from '#domain/media.ts';
import type { LibraryScanner } from '#library/scan/scanner.ts';
import type { LibraryWatches } from '#library/watch/watches.ts';
import type { Database } from '#storage/database.ts';
import type { AuthService } from './auth/auth.ts';
import type { Config } from './config.ts';
import { EXIT, StartFailure } from './start-failure.ts';

type FirstStart = {
  config: Config;
  database: Database;
  /** Libraries of a first start that names none. */
  sampleLibrary: Omit<Library, 'id' | 'createdAtMs'> | null;
  scanner: LibraryScanner;
  watches: LibraryWatches;
};

/** The one whom the environment names. */
export async function makeAdministrator({ admin }: Config, auth: AuthService): Promise<void> {
  if (admin === null || !auth.isSetupRequired()) return;
  try {
    const { id, username } = await auth.setup(admin);
    const subject = { kind: 'user', id, name: username } as const;
    await auth.audit.note({ event: 'set-up', actor: null, subject, address: null, detail: 'by FERRITE_ADMIN_USERNAME' });
  } catch (error) {
    if (!(error instanceof FerriteError) || error.code !== 'INVALID_REQUEST') throw error;
    const mistakes = error.fields.map(({ path, message }) => `FERRITE_ADMIN_${path.slice(1).toUpperCase()} ${message}`);
    throw new StartFailure(EXIT.badConfiguration, mistakes.join('; '));
  }
}

export async function makeLibraries({
  config,
  database,
  sampleLibrary,
}: Pick<FirstStart, 'config' | 'database' | 'sampleLibrary'>): Promise<void> {
  if ([...database.libraries.list()].length > 0) return;
  const requested = config.libraries.map(({ kind, paths }) => ({ kind, paths, name: kind === 'movies' ? 'Movies' : 'Shows' }));
  for (const request of requested.length > 0 ? requested : sampleLibrary ? [sampleLibrary] : []) {
    const library: Library = { ...request, id: newLibraryId(), createdAtMs: Date.now() };
    await database.libraries.put(library);
  }
}

/**
 * What has changed while no server ran, what an interrupted scan has left, and films whose keyframe map is of an older format. What is
 * catalogued and unchanged is not read again.
 */
export async function scanWhatMayHaveChanged({
  database,
  scanner,
  watches,
}: Pick<FirstStart, 'database' | 'scanner' | 'watches'>): Promise<void> {
  // Whoever listens first misses nothing that changes during the scan.
  await Promise.all(database.libraries.list().map(library => watches.add(library)));
  for (const library of database.libraries.list()) scanner.start(library);
}
