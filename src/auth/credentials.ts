// What a user name and a password must look like, wherever they come from: a request, the environment or another issuer.
import { FerriteError, type FieldError } from '#domain/errors.ts';
import { isFoldable } from '#storage/records/users.ts';

export const USERNAME_RULE = { minLength: 1, maxLength: 64, pattern: '^[\\p{L}\\p{N}._@:-]+$' };
export const PASSWORD_RULE = { minLength: 8, maxLength: 200 };

const USERNAME_PATTERN = new RegExp(USERNAME_RULE.pattern, 'u');

const characters = (text: string): number => [...text].length;

export const isUsername = (text: string): boolean =>
  characters(text) <= USERNAME_RULE.maxLength && USERNAME_PATTERN.test(text) && isFoldable(text);

const isPassword = (text: string): boolean => characters(text) >= PASSWORD_RULE.minLength && characters(text) <= PASSWORD_RULE.maxLength;

/** Names every offending field; an absent one is not looked at. */
export function checkCredentials({
  username,
  password,
}: {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}): void {
  const fields: FieldError[] = [];
  if (username !== undefined && !isUsername(username)) {
    fields.push({ path: '/username', message: 'must be 1 to 64 letters, digits or . _ @ : -, none of which stands for many' });
  }
  if (password !== undefined && !isPassword(password)) fields.push({ path: '/password', message: 'must have 8 to 200 characters' });
  if (fields.length > 0)
    throw new FerriteError('INVALID_REQUEST', fields.map(field => `${field.path} ${field.message}`).join('; '), { fields });
}
