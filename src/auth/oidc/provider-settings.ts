// FERRITE_OIDC_<NAME>_…: the providers that users may sign in with, read from settings. Every mistake is told at once.

export type ClaimRule = { readonly claim: string; readonly value: string };

export type ProviderSettings = {
  /** In addresses: the name in lower case. */
  readonly id: string;
  /** On the button. */
  readonly label: string;
  readonly issuer: string;
  readonly clientId: string;
  /** Empty: a public client, which PKCE alone protects. */
  readonly clientSecret: string;
  readonly scopes: string;
  /** Who is made an account that has none. */
  readonly create: 'never' | 'always' | 'claim';
  /** What `create: 'claim'` asks for. */
  readonly createClaim: ClaimRule | null;
  /** Who is an administrator; null: the provider has no say in it. */
  readonly adminClaim: ClaimRule | null;
  /** Whether an account whose name is the verified e-mail address belongs to it. */
  readonly linksByEmail: boolean;
};

const FIELDS = [
  'ISSUER',
  'CLIENT_ID',
  'CLIENT_SECRET',
  'SCOPES',
  'LABEL',
  'CREATE',
  'CREATE_CLAIM',
  'ADMIN_CLAIM',
  'LINK_BY_EMAIL',
] as const;
type Field = (typeof FIELDS)[number];

const PATTERN = new RegExp(`^FERRITE_OIDC_([A-Z0-9]+)_(${FIELDS.join('|')})$`);
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const CREATE = ['never', 'always', 'claim'] as const;

export const isProviderSetting = (name: string): boolean => PATTERN.test(name);

/** What begins as one, and is none. */
export const PROVIDER_SETTING_FORM = `FERRITE_OIDC_<NAME>_ and one of ${FIELDS.join(', ')}, where NAME is letters and digits`;

export function readProviders(given: Readonly<Record<string, string>>, mistakes: string[]): readonly ProviderSettings[] {
  const byName = new Map<string, Partial<Record<Field, string>>>();
  for (const [setting, value] of Object.entries(given)) {
    const [, name, field] = PATTERN.exec(setting) ?? [];
    if (name === undefined || field === undefined || value === '') continue;
    byName.set(name, { ...byName.get(name), [field]: value });
  }
  return [...byName].flatMap(([name, fields]) => readProvider(name, fields, mistakes) ?? []);
}

function readProvider(name: string, fields: Partial<Record<Field, string>>, mistakes: string[]): ProviderSettings | null {
  const before = mistakes.length;
  const say = (field: Field, message: string): void => void mistakes.push(`FERRITE_OIDC_${name}_${field} ${message}`);
  const { ISSUER: issuer = '', CLIENT_ID: clientId = '', CREATE: create = 'never', LINK_BY_EMAIL: link = 'no' } = fields;
  if (!isSafeUrl(issuer)) say('ISSUER', issuer === '' ? 'is missing' : 'must be an https address');
  if (clientId === '') say('CLIENT_ID', 'is missing');
  const scopes = fields.SCOPES ?? 'openid profile email';
  if (!scopes.split(' ').includes('openid')) say('SCOPES', 'must have openid among them');
  const rule = CREATE.find(choice => choice === create);
  if (rule === undefined) say('CREATE', `must be one of ${CREATE.join(', ')}`);
  if (link !== 'yes' && link !== 'no') say('LINK_BY_EMAIL', 'must be yes or no');
  const [createClaim, adminClaim] = (['CREATE_CLAIM', 'ADMIN_CLAIM'] as const).map(field => {
    const claim = ruleOf(fields[field]);
    if (claim === undefined) say(field, 'must look like groups=family');
    return claim ?? null;
  });
  if (rule === 'claim' && fields.CREATE_CLAIM === undefined) say('CREATE_CLAIM', 'is missing beside CREATE=claim');
  if (mistakes.length > before || rule === undefined) return null;
  return {
    id: name.toLowerCase(),
    label: fields.LABEL ?? name.charAt(0) + name.slice(1).toLowerCase(),
    issuer,
    clientId,
    clientSecret: fields.CLIENT_SECRET ?? '',
    scopes,
    create: rule,
    createClaim: createClaim ?? null,
    adminClaim: adminClaim ?? null,
    linksByEmail: link === 'yes',
  };
}

/** Undefined: it is no rule. */
function ruleOf(text: string | undefined): ClaimRule | null | undefined {
  if (text === undefined) return null;
  const [, claim, value] = /^([^=\s]+)=(.+)$/.exec(text) ?? [];
  return claim === undefined || value === undefined ? undefined : { claim, value };
}

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));
}
