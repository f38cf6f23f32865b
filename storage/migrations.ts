// Brings each record family to the format this code knows, before it is read. Never deletes a record that it can not convert.
import { FerriteError } from '#domain/errors.ts';
import type { Environment, Transaction } from './environment.ts';
import type { Encoding, Key, Table } from './table.ts';

type StoredRecord = { readonly key: Key; readonly value: unknown };

/** A record of another family as it lies there, in any format; undefined when there is none. */
export type OtherRecord = (family: Pick<Family, 'name' | 'encoding'>, key: Key) => unknown;

/** One kind of record: its main table, and how a record of format `n` becomes one of format `n + 1`. */
export type Family = {
  readonly name: string;
  readonly encoding: Encoding;
  /** Formats start at 1. */
  readonly format: number;
  /** `upgrades[0]` leads from format 1 to 2, and so on. Null: this record can't be converted. */
  readonly upgrades: readonly ((record: StoredRecord, other: OtherRecord) => StoredRecord | null)[];
  /** Tables derived from the main one. */
  readonly indexes: readonly string[];
  /** What a record that is brought to this format adds to tables that the formats before did not have. */
  readonly derived?: (record: StoredRecord) => readonly { readonly index: string; readonly key: Key; readonly value: unknown }[];
};

type SetAside = { readonly value: unknown; readonly format: number };

const META = 'meta';
export const unconvertedTable = (family: string): string => `${family}.unconverted`;

/** Each family in one transaction: a process killed half-way starts over from the old format. */
export function migrate(environment: Environment, families: readonly Family[]): void {
  const formats = environment.table<Key, number>(META);
  // Opened before any transaction begins.
  for (const { name, encoding } of families) environment.table<Key, unknown>(name, encoding);
  const other: OtherRecord = ({ name, encoding }, key) => environment.table<Key, unknown>(name, encoding).get(key);
  for (const family of families) {
    refuseNewer(family, formats.get(['format', family.name]));
    const records = environment.table<Key, unknown>(family.name, family.encoding);
    const aside = environment.table<Key, SetAside>(unconvertedTable(family.name));
    const indexTables = new Map(family.indexes.map(index => [index, environment.table<Key, unknown>(index)]));
    const indexes = (name: string) => indexTables.get(name) ?? environment.table<Key, unknown>(name);
    environment.writeNow(tx => {
      // A family met for the first time has no records yet, so there is nothing to convert.
      const stored = formats.get(['format', family.name]) ?? family.format;
      if (stored < family.format) upgradeAll(tx, family, stored, { records, aside, other, indexes });
      tx.put(formats, ['format', family.name], family.format);
    });
  }
}

/** For openers that may not write: refuses every format but its own. */
export function checkFormats(environment: Environment, families: readonly Family[]): void {
  const formats = environment.table<Key, number>(META);
  for (const family of families) {
    const stored = formats.get(['format', family.name]);
    refuseNewer(family, stored);
    if (stored !== family.format) {
      throw new FerriteError(
        'STORAGE_FAILED',
        `the records "${family.name}" have not been converted to format ${family.format} yet: start the server once`,
      );
    }
  }
}

/** Of the families that the store has records of, or could have. */
export function storedFormats(environment: Environment): Record<string, number> {
  const formats: Record<string, number> = {};
  for (const { key, value } of environment.table<Key, number>(META).entriesUnder(['format'])) {
    if (Array.isArray(key) && typeof key[1] === 'string') formats[key[1]] = value;
  }
  return formats;
}

function refuseNewer(family: Family, stored: number | undefined): void {
  if (stored !== undefined && stored > family.format) {
    throw new FerriteError(
      'STORAGE_FAILED',
      `the records "${family.name}" have format ${stored}, written by a newer version; this version knows formats up to ${family.format}. Start the newer version, or restore a backup.`,
    );
  }
}

type FamilyTables = {
  readonly records: Table<Key, unknown>;
  readonly aside: Table<Key, SetAside>;
  readonly other: OtherRecord;
  readonly indexes: (name: string) => Table<Key, unknown>;
};

function upgradeAll(tx: Transaction, family: Family, from: number, { records, aside, other, indexes }: FamilyTables): void {
  const olds = [...records.entries()];
  // All are taken out before one is put back: a new key may be another record's old one.
  for (const { key } of olds) tx.remove(records, key);
  for (const old of olds) {
    const upgraded = upgrade(family, from, old, other);
    if (upgraded === null) tx.put(aside, asideKey(from, old.key), { value: old.value, format: from });
    else {
      tx.put(records, upgraded.key, upgraded.value);
      for (const { index, key, value } of family.derived?.(upgraded) ?? []) tx.put(indexes(index), key, value);
    }
  }
}

/** The format is part of the key: a later migration never overwrites records that an earlier one set aside. */
const asideKey = (format: number, key: Key): Key => (Array.isArray(key) ? [format, ...key] : [format, key]);

function upgrade(family: Family, from: number, old: StoredRecord, other: OtherRecord): StoredRecord | null {
  let record: StoredRecord | null = old;
  for (const step of family.upgrades.slice(from - 1, family.format - 1)) {
    if (record !== null) record = step(record, other);
  }
  return record;
}
