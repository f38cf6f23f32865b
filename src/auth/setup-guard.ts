// Who may make the first administrator: a user of this machine, or one who can read the server's log.
import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { FerriteError } from '#domain/errors.ts';

/** Without the letters and digits that are taken for one another. */
const ALPHABET = 'ABCDEFGHJKMNPQRSTVWXYZ23456789';
const GROUPS = 3;
const GROUP_LENGTH = 4;

/** Headers that a proxy adds: with one of them the client is not the peer of the connection. */
const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

type Header = (name: string) => string;

export class SetupGuard {
  readonly #isLocal: boolean;
  readonly #tell: (code: string) => void;
  #code: string | null = null;

  /** `host`: the address the server listens on. `tell` is called once, with the code, when there is a use for it. */
  constructor(host: string, tell: (code: string) => void) {
    this.#isLocal = isLoopback(host);
    this.#tell = tell;
  }

  /** At the start, where strangers can reach the port. */
  announce(): void {
    if (!this.#isLocal) this.#told();
  }

  /**
   * Whether this request has to bring the code. On the machine itself none is needed, but a page whose name was made to point at it
   * (DNS rebinding) still asks for its own Host.
   */
  asksFor(header: Header): boolean {
    const isAtThisMachine = this.#isLocal && isLoopback(hostName(header('host'))) && FORWARDING.every(name => header(name) === '');
    if (!isAtThisMachine) this.#told();
    return !isAtThisMachine;
  }

  check(header: Header, code: string | undefined): void {
    if (!this.asksFor(header)) return;
    if (code === undefined || !isSame(plain(code), plain(this.#told())))
      throw new FerriteError(
        'SETUP_CODE_NEEDED',
        code === undefined ? 'send the code that the log of the server shows' : 'that is not the code that the log of the server shows',
      );
  }

  #told(): string {
    if (this.#code === null) {
      this.#code = makeCode();
      this.#tell(this.#code);
    }
    return this.#code;
  }
}

export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}

const hostName = (host: string): string => (URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '');

const makeCode = (): string =>
  Array.from({ length: GROUPS }, () => Array.from({ length: GROUP_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')).join('-');

/** The code as people may type it: in any case, with or without dashes. */
const plain = (code: string): string => code.replaceAll(/[\s-]/g, '').toUpperCase();

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
