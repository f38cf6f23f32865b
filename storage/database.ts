// The store of a data folder: opens the environment, brings it to the current formats, hands out one repository per record family, closes.
import { chmodSync, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Environment, type EnvironmentMode } from './environment.ts';
import { checkFormats, type Family, migrate, storedFormats } from './migrations.ts';
import { AUDIT, AuditRepository } from './records/accounts/audit.ts';
import { GROUPS, GroupRepository } from './records/accounts/groups.ts';
import { PASSKEYS, PasskeyRepository } from './records/accounts/passkeys.ts';
import { AUTH_DECISIONS, AuthDecisionRepository } from './records/auth-decisions.ts';
import { CORRECTIONS, CorrectionRepository } from './records/corrections.ts';
import { MARKERS, MarkerRepository, SOUNDS } from './records/derived/markers.ts';
import { DESCRIPTIONS, DescriptionRepository } from './records/descriptions.ts';
import { HISTORY, HistoryRepository } from './records/history.ts';
import { GONE_MEDIA, GoneMediaRepository } from './records/identity/gone-media.ts';
import { LIBRARY_DEVICES, LibraryDeviceRepository } from './records/identity/library-devices.ts';
import { KEYFRAME_MAPS, KeyframeMapRepository } from './records/keyframe-maps.ts';
import { LIBRARIES, LibraryRepository } from './records/libraries.ts';
import { MEDIA, MediaRepository } from './records/media.ts';
import { PROGRESS, ProgressRepository } from './records/progress.ts';
import { REFRESH_TOKENS, RefreshTokenRepository } from './records/refresh-tokens.ts';
import { REFUSED_FILES, RefusedFileRepository } from './records/refused-files.ts';
import { SEGMENT_INDEX, SegmentIndexRepository } from './records/segment-index.ts';
import { SESSIONS, SessionRepository } from './records/sessions.ts';
import { USERS, UserRepository } from './records/users.ts';
import { storageFailure } from './table.ts';

const FAMILIES: readonly Family[] = [
  USERS,
  GROUPS,
  PASSKEYS,
  AUDIT,
  REFRESH_TOKENS,
  AUTH_DECISIONS,
  LIBRARIES,
  MEDIA,
  KEYFRAME_MAPS,
  SOUNDS,
  MARKERS,
  REFUSED_FILES,
  GONE_MEDIA,
  LIBRARY_DEVICES,
  PROGRESS,
  HISTORY,
  CORRECTIONS,
  DESCRIPTIONS,
  SESSIONS,
  SEGMENT_INDEX,
];

/** About 30 MB on disk; a token beyond it costs one signature check after a restart. */
const MAX_AUTH_DECISIONS = 100_000;

export class Database {
  readonly users: UserRepository;
  readonly groups: GroupRepository;
  readonly passkeys: PasskeyRepository;
  readonly audit: AuditRepository;
  readonly refreshTokens: RefreshTokenRepository;
  readonly authDecisions: AuthDecisionRepository;
  readonly libraries: LibraryRepository;
  readonly media: MediaRepository;
  readonly keyframeMaps: KeyframeMapRepository;
  readonly markers: MarkerRepository;
  readonly refusedFiles: RefusedFileRepository;
  readonly goneMedia: GoneMediaRepository;
  readonly libraryDevices: LibraryDeviceRepository;
  readonly progress: ProgressRepository;
  readonly history: HistoryRepository;
  readonly corrections: CorrectionRepository;
  readonly descriptions: DescriptionRepository;
  readonly sessions: SessionRepository;
  readonly segmentIndex: SegmentIndexRepository;
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.users = new UserRepository(environment);
    this.groups = new GroupRepository(environment);
    this.passkeys = new PasskeyRepository(environment);
    this.audit = new AuditRepository(environment);
    this.refreshTokens = new RefreshTokenRepository(environment);
    this.authDecisions = new AuthDecisionRepository(environment, MAX_AUTH_DECISIONS);
    this.libraries = new LibraryRepository(environment);
    this.media = new MediaRepository(environment);
    this.keyframeMaps = new KeyframeMapRepository(environment);
    this.markers = new MarkerRepository(environment);
    this.refusedFiles = new RefusedFileRepository(environment);
    this.goneMedia = new GoneMediaRepository(environment);
    this.libraryDevices = new LibraryDeviceRepository(environment);
    this.progress = new ProgressRepository(environment);
    this.history = new HistoryRepository(environment);
    this.corrections = new CorrectionRepository(environment);
    this.descriptions = new DescriptionRepository(environment);
    this.sessions = new SessionRepository(environment);
    this.segmentIndex = new SegmentIndexRepository(environment);
  }

  /** Lets this thread see what another one has written. Call it before a read that follows another thread's message. */
  refresh(): void {
    this.#environment.refresh();
  }

  /** How often the store was written, ever. */
  get writeCount(): number {
    return this.#environment.writeCount;
  }

  /** Refuses new writes, awaits those queued, then closes. Idempotent. Last in the order of shutdown. */
  async close(): Promise<void> {
    await this.#environment.close();
  }
}

export const storePath = (dataDir: string): string => join(dataDir, 'ferrite.lmdb');

/** One writer: the main thread opens without `readOnly`, before any worker opens with it. */
export async function openDatabase(dataDir: string, options: { readonly readOnly?: boolean } = {}): Promise<Database> {
  const mode: EnvironmentMode = options.readOnly === true ? 'read-only' : 'read-write';
  if (mode === 'read-write') makeDataFolder(dataDir);
  const environment = new Environment(storePath(dataDir), mode);
  try {
    if (mode === 'read-write') migrate(environment, FAMILIES);
    else checkFormats(environment, FAMILIES);
    return new Database(environment);
  } catch (error) {
    await environment.close();
    throw error;
  }
}

export const knownFormats = (): Record<string, number> => Object.fromEntries(FAMILIES.map(({ name, format }) => [name, format]));

/**
 * Copies the store of a data folder as it stands, from outside the server that may be writing it, in whatever format it is.
 * Tells the format of each record family of the copy.
 */
export async function copyStore(dataDir: string, copy: string): Promise<Record<string, number>> {
  const live = new Environment(storePath(dataDir), 'read-only');
  try {
    await live.backup(copy);
  } finally {
    await live.close();
  }
  const copied = new Environment(copy, 'read-only');
  try {
    return storedFormats(copied);
  } finally {
    await copied.close();
    rmSync(`${copy}-lock`, { force: true });
  }
}

/** The folder holds password hashes and keys: nobody else on the machine may look into it. */
export function makeDataFolder(dataDir: string): void {
  try {
    makeWithParents(dataDir);
    // Somebody else's folder, such as a mounted volume, is taken as its owner made it.
    if (statSync(dataDir).uid === process.getuid?.()) chmodSync(dataDir, 0o700);
  } catch (error) {
    throw storageFailure(`the data folder ${dataDir} can not be made`, error);
  }
}

/** Not with `recursive`: in a file system that lets nobody make a folder, such as /proc, that tries for ever. */
function makeWithParents(folder: string): void {
  if (existsSync(folder)) return;
  makeWithParents(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}
