// Lists by title, entered anywhere: at a number, at a letter, at what somebody types.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediaIdFor, newLibraryId } from '#domain/ids.ts';
import { CatalogueIndex, type IndexQuery } from '#library/items/catalogue-index.ts';
import { aMedia } from '../../storage/support.ts';

const [films, others] = [newLibraryId(), newLibraryId()];
const nothing = { get: () => undefined };

function indexOf(titles: readonly string[]) {
  const all = titles.flatMap((title, at) => [
    aMedia(title, { libraryId: films, id: mediaIdFor(films, String(at)) }),
    aMedia(`Of another library ${at}`, { libraryId: others, id: mediaIdFor(others, String(at)) }),
  ]);
  const index = new CatalogueIndex({ media: { all: () => all }, corrections: nothing, descriptions: nothing });
  const titleOf = new Map(all.map(({ id, title }) => [id, title]));
  const scope = { libraryIds: new Set([films]), kind: null, rows: 'items' } as const;
  const page = (query: Partial<IndexQuery>) => {
    const { ids, ...rest } = index.find({ ...scope, text: null, sort: 'title', after: null, limit: 10, ...query });
    return { ...rest, titles: ids.map(id => titleOf.get(id)) };
  };
  return { index, scope, page, all };
}

test('a list can be entered at any number, also where another library lies between its titles', () => {
  const titles = Array.from({ length: 2_000 }, (_, at) => `Title ${String(at).padStart(4, '0')}`);
  const { index, page, all } = indexOf(titles);
  for (const offset of [0, 1, 255, 256, 511, 1_234, 1_995, 2_000, 5_000]) {
    const { titles: found, total } = page({ offset });
    assert.deepEqual(found, titles.slice(offset, offset + 10), `from ${offset}`);
    assert.equal(total, 2_000);
  }
  for (const { id, title } of all.filter(one => one.libraryId === films)) if (Number(title.slice(6)) % 3 === 0) index.remove(id);
  assert.deepEqual(page({ offset: 500, limit: 2 }).titles, ['Title 0751', 'Title 0752']);
});

test('letters say where they begin, by the titles without their articles; digits are one, other scripts are one', () => {
  const { index, scope, page } = indexOf([
    'The Matrix',
    'Amélie',
    '12 Monkeys',
    '...',
    'Alien',
    '千と千尋の神隠し',
    'Éloge',
    'Metropolis',
    'Zorro',
  ]);
  const letters = index.letters(scope);
  assert.deepEqual(
    letters.map(({ letter }) => letter),
    ['#', 'A', 'E', 'M', 'Z', '…'],
  );
  const firstOf = Object.fromEntries(letters.map(({ letter, offset }) => [letter, page({ offset, limit: 1 }).titles[0]]));
  assert.deepEqual(firstOf, { '#': '...', A: 'Alien', E: 'Éloge', M: 'The Matrix', Z: 'Zorro', '…': '千と千尋の神隠し' });
});

test('what somebody types is found where it stands, or where it would stand', () => {
  const { index, scope, page } = indexOf(['Alien', 'The Matrix', 'Metropolis', 'Zorro']);
  const firstOf = (text: string) => page({ offset: index.offsetOf(text, scope), limit: 1 }).titles[0];
  assert.deepEqual(['ma', 'MÉT', 'n', 'zz', 'alien'].map(firstOf), ['The Matrix', 'Metropolis', 'Zorro', undefined, 'Alien']);
});
