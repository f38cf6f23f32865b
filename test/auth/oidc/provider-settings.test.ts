import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProviderSetting, readProviders } from '#src/auth/oidc/provider-settings.ts';

const GIVEN = { FERRITE_OIDC_HOME_ISSUER: 'https://id.example.org', FERRITE_OIDC_HOME_CLIENT_ID: 'films' };
const read = (more: Record<string, string> = {}) => {
  const mistakes: string[] = [];
  return { providers: readProviders({ ...GIVEN, ...more }, mistakes), mistakes };
};

test('provider settings: issuer and client are enough, and nobody is made an account or linked to one unasked', () => {
  const { providers, mistakes } = read({ FERRITE_OIDC_HOME_LABEL: '' });
  assert.deepEqual(mistakes, []);
  assert.deepEqual(providers, [
    {
      id: 'home',
      label: 'Home',
      issuer: 'https://id.example.org',
      clientId: 'films',
      clientSecret: '',
      scopes: 'openid profile email',
      create: 'never',
      createClaim: null,
      adminClaim: null,
      linksByEmail: false,
    },
  ]);
});

for (const [more, mistake] of [
  [{ FERRITE_OIDC_HOME_ISSUER: 'http://id.example.org' }, /HOME_ISSUER must be an https address/],
  [{ FERRITE_OIDC_WORK_CLIENT_ID: 'x' }, /WORK_ISSUER is missing/],
  [{ FERRITE_OIDC_HOME_SCOPES: 'email' }, /HOME_SCOPES must have openid/],
  [{ FERRITE_OIDC_HOME_CREATE: 'yes' }, /HOME_CREATE must be one of never, always, claim/],
  [{ FERRITE_OIDC_HOME_CREATE: 'claim' }, /HOME_CREATE_CLAIM is missing/],
  [{ FERRITE_OIDC_HOME_ADMIN_CLAIM: 'admins' }, /HOME_ADMIN_CLAIM must look like/],
  [{ FERRITE_OIDC_HOME_LINK_BY_EMAIL: 'true' }, /HOME_LINK_BY_EMAIL must be yes or no/],
] as const) {
  test(`provider settings: ${JSON.stringify(more)} is a mistake that is told`, () => {
    assert.match(read(more).mistakes.join('\n'), mistake);
  });
}

test('provider settings: a field that there is not is no setting', () => {
  assert.deepEqual(
    ['FERRITE_OIDC_HOME_ISSUER', 'FERRITE_OIDC_HOME_ISSUR', 'FERRITE_OIDC__ISSUER', 'FERRITE_OIDC_home_ISSUER'].map(isProviderSetting),
    [true, false, false, false],
  );
});
