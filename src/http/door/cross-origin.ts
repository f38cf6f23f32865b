// Which pages of other origins may read the answers (CORS), and the header lines that every answer carries, prepared once as text.
import { STATUS_CODES } from 'node:http';

const EXPOSED = 'Content-Range, Content-Length, Accept-Ranges, ETag, Retry-After, Preference-Applied';
const ALLOWED_REQUEST_HEADERS =
  'Authorization, Content-Type, Prefer, Range, If-Range, If-None-Match, CMCD-Request, CMCD-Object, CMCD-Session, CMCD-Status';
const PREFLIGHT_MAX_AGE_S = 600;

/**
 * The library closes an idle connection after three ticks of 4 s, the first of which may be over at once. That is fixed in it, and after
 * a reply nothing is left to set it anew with: so clients are told not to use a connection that was idle for longer.
 */
const KEPT_IDLE_S = 8;

export class CrossOrigin {
  readonly #allowsAny: boolean;
  readonly #origins: ReadonlySet<string>;
  readonly #heads = { api: new Map<number, string>(), stream: new Map<number, string>() };

  constructor(origins: readonly string[]) {
    this.#allowsAny = origins.includes('*');
    this.#origins = new Set(origins);
  }

  /** False where the answer is the same for every origin, so that the Origin header need not be read. */
  get dependsOnOrigin(): boolean {
    return !this.#allowsAny && this.#origins.size > 0;
  }

  allows(origin: string): boolean {
    return this.#allowsAny || this.#origins.has(origin);
  }

  /**
   * Whether a page of that origin may change something here. Our own pages may: those of the host that was asked, or which the browser
   * itself calls so (behind a proxy that hands on another Host). Any other one has to be on the list, where `*` stands for those that
   * show a token: what needs none, such as a sign-in, a page could otherwise send from every visitor's browser.
   */
  mayChange(sender: { readonly origin: string; readonly host: string; readonly fetchSite: string; readonly showsToken: boolean }): boolean {
    const { origin, host, fetchSite, showsToken } = sender;
    if (origin === '' || this.#origins.has(origin) || fetchSite === 'same-origin') return true;
    return (showsToken && this.#allowsAny) || isHostOf(origin, host);
  }

  /** Status line and common headers in one string: each call into the socket library costs as much as formatting a whole line. */
  statusHead(status: number, kind: 'api' | 'stream'): string {
    const known = this.#heads[kind].get(status);
    if (known !== undefined) return known;
    const head = this.#composeHead(status, kind);
    this.#heads[kind].set(status, head);
    return head;
  }

  /** For an origin on the list; with `*` these lines are part of `statusHead`. */
  linesFor(origin: string, kind: 'api' | 'stream'): readonly (readonly [string, string])[] {
    if (!this.dependsOnOrigin || !this.#origins.has(origin)) return [];
    return [
      ['Access-Control-Allow-Origin', origin],
      ['Access-Control-Expose-Headers', EXPOSED],
      ...(kind === 'stream' ? [['Cross-Origin-Resource-Policy', 'cross-origin'] as const] : []),
    ];
  }

  preflight(methods: readonly string[]): Record<string, string> {
    const allow = methods.join(', ');
    if (!this.#allowsAny && this.#origins.size === 0) return { Allow: allow };
    return {
      Allow: allow,
      'Access-Control-Allow-Methods': allow,
      'Access-Control-Allow-Headers': ALLOWED_REQUEST_HEADERS,
      'Access-Control-Max-Age': String(PREFLIGHT_MAX_AGE_S),
    };
  }

  #composeHead(status: number, kind: 'api' | 'stream'): string {
    const lines = [`${status} ${STATUS_CODES[status] ?? 'Unknown'}`, 'X-Content-Type-Options: nosniff', 'Referrer-Policy: no-referrer'];
    lines.push(`Keep-Alive: timeout=${KEPT_IDLE_S}`);
    if (this.dependsOnOrigin) lines.push('Vary: Origin');
    if (this.#allowsAny) {
      lines.push('Access-Control-Allow-Origin: *', `Access-Control-Expose-Headers: ${EXPOSED}`);
      if (kind === 'stream') lines.push('Cross-Origin-Resource-Policy: cross-origin');
    }
    return lines.join('\r\n');
  }
}

function isHostOf(origin: string, host: string): boolean {
  if (host === '' || !URL.canParse(origin)) return false;
  const { protocol, host: asked } = new URL(origin);
  // The scheme may differ behind a proxy; a port that the scheme stands for may be written or not.
  return URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === asked;
}
