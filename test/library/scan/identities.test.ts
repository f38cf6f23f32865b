// Who is who after files were moved, copied, replaced and brought back, as a table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MediaId, PlaceId } from '#domain/ids.ts';
import { identify } from '#library/scan/identities.ts';

/** `place:content`, and of media `id@place:content`. */
const newcomer = (text: string) => {
  const [name = '', fingerprint = ''] = text.split(':');
  return { place: name as PlaceId, name, fingerprint, mtimeMs: 1 };
};
const media = (text: string) => {
  const [id = '', rest = ''] = text.split('@');
  return { ...newcomer(rest), id: id as MediaId };
};

const CASES: readonly (readonly [says: string, newcomers: string, strays: string, gone: string, expected: string])[] = [
  ['a file that moved is who it was', 'b:1', 'A@a:1', '', 'b=A'],
  ['another file is new', 'b:2', 'A@a:1', '', ''],
  ['of two copies of one that moved the first by path is it', 'c:1 b:1', 'A@a:1', '', 'b=A'],
  ['of two alike that moved each is one', 'c:1 d:1', 'A@a:1 B@b:1', '', 'c=A d=B'],
  ['a file replaced at its place keeps its id', 'a:2', 'A@a:1', '', 'a=A'],
  ['a file that was only touched keeps its id, whoever is like it', 'a:1 b:1', 'A@a:1 B@b:1', '', 'a=A b=B'],
  ['two that changed places are who they were', 'a:2 b:1', 'A@a:1 B@b:2', '', 'a=B b=A'],
  ['three that changed places are who they were', 'a:3 b:1 c:2', 'A@a:1 B@b:2 C@c:3', '', 'a=C b=A c=B'],
  ['all that were numbered on by one are who they were', 'b:1 c:2', 'A@a:1 B@b:2', '', 'b=A c=B'],
  ['a known file moved over another leaves that one its id', 'a:2', 'A@a:1 B@b:2', '', 'a=A'],
  ['and who was moved over the one that is moved over keeps his too', 'a:2 b:3', 'A@a:1 B@b:2 C@c:3', '', 'a=A b=B'],
  ['a copy of what was moved over another is who was moved', 'a:2 d:2', 'A@a:1 B@b:2', '', 'a=A d=B'],
  ['what moved away leaves its place to somebody new', 'a:2 b:1', 'A@a:1', '', 'b=A'],
  ['who comes back to his place is who he was, with other bytes too', 'a:2', '', 'A@a:1', 'a=A'],
  ['who comes back elsewhere is who he was', 'b:1', '', 'A@a:1', 'b=A'],
  ['bytes say more than the place', 'a:2', '', 'A@a:1 B@b:2', 'a=B'],
  ['who is there goes before who was', 'b:1', 'A@a:1', 'B@b:1', 'b=A'],
  ['nobody comes back twice', 'b:1 c:1', '', 'A@a:1', 'b=A'],
  ['a file that can not be read is told by its place alone', 'a: b:', 'A@a:1', 'B@b:', 'a=A b=B'],
  ['two that can not be read are not alike', 'b:', 'A@a:', 'C@c:', ''],
];

const listed = (text: string): string[] => text.split(' ').filter(word => word !== '');

for (const [says, newcomers, strays, gone, expected] of CASES) {
  test(`identities: ${says}`, () => {
    const ids = identify(listed(newcomers).map(newcomer), listed(strays).map(media), listed(gone).map(media));
    assert.deepEqual([...ids].map(([place, id]) => `${place}=${id}`).sort(), listed(expected));
  });
}
