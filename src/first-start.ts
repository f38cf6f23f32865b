// What a server's first start makes: the administrator whom the environment names, and libraries.
import { newLibraryId } from '#domain/ids.ts';
import type { Library } from '#domain/media.ts';
import type { LibraryScanner } from '#library/scanner.ts';
import type { Database } from '#storage/database.ts';
import type { AuthService } from './auth/auth.ts';
import type { Config } from './config.ts';

type FirstStart = {
  config: Config;
  database: Database;
  auth: AuthService;
  /** Libraries of a first start that names none. */
  sampleLibrary: Omit<Library, 'id' | 'createdAtMs'> | null;
  scanner: LibraryScanner;
};

export async function prepareFirstStart({ config, database, auth, sampleLibrary, scanner }: FirstStart): Promise<void> {
  if (config.admin && auth.isSetupRequired()) await auth.setup(config.admin);
  if ([...database.libraries.list()].length > 0) return;
  const wished = config.libraries.map(({ kind, paths }) => ({ kind, paths, name: kind === 'movies' ? 'Movies' : 'Shows' }));
  for (const wish of wished.length > 0 ? wished : sampleLibrary ? [sampleLibrary] : []) {
    const library: Library = { ...wish, id: newLibraryId(), createdAtMs: Date.now() };
    await database.libraries.put(library);
    scanner.start(library);
  }
}
