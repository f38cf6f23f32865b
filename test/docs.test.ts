// The reference pages are written by hand but for their tables: those are the product's own.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ERRORS } from '#domain/errors.ts';
import { SETTINGS } from '#src/config.ts';
import { ALL_CHECKS } from './support/conformance/stream.ts';

type Row = readonly string[];

// A cell has no line ends, and a bar in it is no border.
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string): string => (text === '' ? '–' : `\`${text}\``);

function table(head: Row, rows: readonly Row[]): string {
  return [head, head.map(() => '---'), ...rows].map(row => `| ${row.map(cell).join(' | ')} |\n`).join('');
}

function errorTable(): string {
  const rows = Object.entries(ERRORS).map(([name, row]) => {
    const retryAfterMs = 'retryAfterMs' in row ? String(row.retryAfterMs) : '–';
    return [code(name), String(row.status), row.title, row.remedy, retryAfterMs];
  });
  return table(['code', 'status', 'title', 'what to do', 'retryAfterMs'], rows);
}

function settingsTable(): string {
  const rows = Object.entries(SETTINGS).map(([name, { fallback, meaning }]) => [code(name), code(fallback), meaning]);
  return table(['setting', 'default', 'meaning'], rows);
}

function checksTable(): string {
  const rows = ALL_CHECKS.flatMap(({ on, checks }) => checks.map(({ name, rule, says, level }) => [code(name), on, rule, says, level]));
  return table(['check', 'on', 'rule', 'says', 'level'], rows);
}

for (const [page, expected] of [
  ['conformance', checksTable()],
  ['errors', errorTable()],
  ['configuration', settingsTable()],
] as const) {
  test(`docs: the table of docs/${page}.md is that of the code`, async () => {
    const path = new URL(`../docs/${page}.md`, import.meta.url);
    const text = await readFile(path, 'utf8');
    const found = text.match(/(?:^\|.*\n)+/m)?.[0] ?? '';
    if (process.env.UPDATE_DOCS === '1')
      await writeFile(
        path,
        text.replace(found, () => expected),
      );
    else assert.equal(found, expected, `docs/${page}.md is not up to date: UPDATE_DOCS=1 node --test test/docs.test.ts writes it`);
  });
}

test('docs: every link between pages and every picture leads to a file', async () => {
  const root = new URL('../', import.meta.url);
  const pages = (await readdir(new URL('docs/', root), { recursive: true }))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`);
  const links = await Promise.all(
    ['README.md', 'CHANGELOG.md', ...pages].map(async page => {
      const text = await readFile(new URL(page, root), 'utf8');
      return [...text.matchAll(/\]\(([^)#\s]+)/g)].map(([, to = '']) => ({ page, to })).filter(({ to }) => !/^[a-z]+:/.test(to));
    }),
  );
  const found = links.flat();
  assert.ok(found.length > 50, `only ${found.length} links were seen: the scan is broken`);
  const broken = found.filter(({ page, to }) => !existsSync(new URL(to, new URL(page, root))));
  assert.deepEqual(broken, []);
});
