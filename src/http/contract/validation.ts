// Input from outside, checked against a route's schema: every offending field is named, unknown fields are refused, query text becomes numbers and booleans.
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import { Settings } from 'typebox/system';
import { Default } from 'typebox/value';
import { FerriteError, type FieldError } from '#domain/errors.ts';

/** Every offending field is to be listed, but not the hundred thousand that fit into a hostile body. */
const MAX_ERRORS = 100;

type JsonSchema = Readonly<Record<string, unknown>>;

/** Answers the checked value or throws INVALID_REQUEST with one entry a field. */
export type Check = (value: unknown) => unknown;

/** Schemas are read as plain JSON Schema: codecs and refinements of TypeBox are not part of the public interface and do not run. */
export function compileCheck(schema: TSchema): Check {
  // The library's own limit, for the whole process, is 8: too few once a union has counted each alternative.
  Settings.Set({ maxErrors: MAX_ERRORS });
  const validator = Compile(withoutUnknownFields(schema));
  return value => {
    const complete = Default(schema, value);
    if (validator.Check(complete)) return complete;
    const fields = toFieldErrors(validator.Errors(complete));
    throw new FerriteError('INVALID_REQUEST', fields.slice(0, 5).map(describe).join('; '), { fields });
  };
}

/** A query's values are all text: those whose schema wants a number or a boolean are converted when they are written as one, else left for the check to name. */
export function compileQueryCheck(schema: TSchema): (query: string) => unknown {
  const check = compileCheck(schema);
  const properties = child(asSchema(schema), 'properties');
  return query => {
    const values = new Map<string, unknown>();
    for (const [name, text] of new URLSearchParams(query)) {
      const types = typesOf(asSchema(Object.hasOwn(properties, name) ? properties[name] : undefined));
      const previous = values.get(name);
      if (types.has('array')) values.set(name, Array.isArray(previous) ? [...previous, text] : [text]);
      else if (values.has(name)) throw invalidField(`/${name}`, 'is given more than once');
      else values.set(name, coerce(text, types));
    }
    // fromEntries defines own properties, so a field called __proto__ is only an unknown field.
    return check(Object.fromEntries(values));
  };
}

const describe = ({ path, message }: FieldError): string => (path === '' ? message : `${path} ${message}`);

export function invalidField(path: string, message: string): FerriteError {
  return new FerriteError('INVALID_REQUEST', describe({ path, message }), { fields: [{ path, message }] });
}

function coerce(text: string, types: ReadonlySet<string>): unknown {
  const pattern = types.has('number') ? /^-?\d+(\.\d+)?$/ : types.has('integer') ? /^-?\d+$/ : null;
  if (pattern?.test(text)) return Number(text);
  if (types.has('boolean') && (text === 'true' || text === '1')) return true;
  if (types.has('boolean') && (text === 'false' || text === '0')) return false;
  return text;
}

function typesOf(schema: JsonSchema): ReadonlySet<string> {
  const own = [schema.type].flat().filter(type => typeof type === 'string');
  return new Set([...own, ...children(schema, 'anyOf').flatMap(option => [...typesOf(option)])]);
}

/** Closes every object of a schema that does not say otherwise. An intersection is closed as one object, since each part knows only its own fields. */
function withoutUnknownFields(value: unknown): JsonSchema {
  const schema = asSchema(value);
  if (Array.isArray(schema.allOf)) return withoutUnknownFields(merge(children(schema, 'allOf')));
  const closed: Record<string, unknown> = { ...schema };
  for (const list of ['anyOf', 'oneOf']) if (list in schema) closed[list] = children(schema, list).map(withoutUnknownFields);
  for (const table of ['properties', 'patternProperties', '$defs']) {
    if (table in schema)
      closed[table] = Object.fromEntries(Object.entries(child(schema, table)).map(([name, of]) => [name, withoutUnknownFields(of)]));
  }
  if ('items' in schema) closed.items = withoutUnknownFields(schema.items);
  if ('properties' in schema && !('additionalProperties' in schema) && !('patternProperties' in schema))
    closed.additionalProperties = false;
  return closed;
}

function merge(parts: readonly JsonSchema[]): JsonSchema {
  const flat = parts.map(part => (Array.isArray(part.allOf) ? merge(children(part, 'allOf')) : part));
  const properties = Object.assign({}, ...flat.map(part => child(part, 'properties')));
  return { type: 'object', properties, required: flat.flatMap(part => (Array.isArray(part.required) ? part.required : [])) };
}

function toFieldErrors(errors: readonly TLocalizedValidationError[]): FieldError[] {
  const fields = errors.filter(error => isTelling(error, errors)).flatMap(error => toFields(error, errors));
  return fields.filter(({ path }, index) => fields.findIndex(other => other.path === path) === index);
}

/** Of a union, only the alternative that the value meant is worth naming: the one whose constants fit. */
function isTelling(error: TLocalizedValidationError, errors: readonly TLocalizedValidationError[]): boolean {
  if (error.keyword === 'boolean') return false; // the twin of additionalProperties
  if (error.keyword === 'anyOf') return !errors.some(other => isInside(other, error) && isTelling(other, errors));
  return errors.every(union => union.keyword !== 'anyOf' || !isInside(error, union) || isMeant(alternativeOf(error, union), union, errors));
}

function isMeant(alternative: string, union: TLocalizedValidationError, errors: readonly TLocalizedValidationError[]): boolean {
  const inside = errors.filter(error => isInside(error, union) && alternativeOf(error, union) === alternative);
  const isWrongKind = inside.some(
    ({ keyword, instancePath }) => keyword === 'const' || (keyword === 'type' && instancePath === union.instancePath),
  );
  return !isWrongKind;
}

const isInside = (error: TLocalizedValidationError, union: TLocalizedValidationError): boolean =>
  error.schemaPath.startsWith(`${union.schemaPath}/anyOf/`);

const alternativeOf = (error: TLocalizedValidationError, union: TLocalizedValidationError): string =>
  error.schemaPath.slice(`${union.schemaPath}/anyOf/`.length).split('/')[0] ?? '';

function toFields(error: TLocalizedValidationError, errors: readonly TLocalizedValidationError[]): FieldError[] {
  const { instancePath: path } = error;
  if (error.keyword === 'required')
    return error.params.requiredProperties.map(name => ({ path: `${path}/${pointerPart(name)}`, message: 'is required' }));
  if (error.keyword === 'additionalProperties') {
    return error.params.additionalProperties.map(name => ({ path: `${path}/${pointerPart(name)}`, message: 'is not a known field' }));
  }
  if (error.keyword === 'enum')
    return [{ path, message: `must be one of ${error.params.allowedValues.map(value => JSON.stringify(value)).join(', ')}` }];
  if (error.keyword === 'const') return [{ path, message: `must be ${JSON.stringify(error.params.allowedValue)}` }];
  if (error.keyword === 'anyOf') return [toUnionField(error, errors)];
  return [{ path, message: error.message }];
}

function toUnionField(union: TLocalizedValidationError, errors: readonly TLocalizedValidationError[]): FieldError {
  const inside = errors.filter(error => isInside(error, union));
  const constants = inside.flatMap(error => (error.keyword === 'const' ? [error] : []));
  const [first] = constants;
  if (first !== undefined && constants.every(({ instancePath }) => instancePath === first.instancePath)) {
    return {
      path: first.instancePath,
      message: `must be one of ${constants.map(({ params }) => JSON.stringify(params.allowedValue)).join(', ')}`,
    };
  }
  const types = inside.flatMap(error =>
    error.keyword === 'type' && error.instancePath === union.instancePath ? [error.params.type].flat() : [],
  );
  return {
    path: union.instancePath,
    message: types.length > 0 ? `must be ${[...new Set(types)].join(' or ')}` : 'has none of the allowed forms',
  };
}

const pointerPart = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null && !Array.isArray(value);
const asSchema = (value: unknown): JsonSchema => (isSchema(value) ? value : {});
const child = (schema: JsonSchema, name: string): JsonSchema => asSchema(schema[name]);
const children = (schema: JsonSchema, name: string): JsonSchema[] => (Array.isArray(schema[name]) ? schema[name].map(asSchema) : []);
