// Reads XML far enough to know that it is well formed, and what its elements hold.
import assert from 'node:assert/strict';

export type XmlElement = { readonly name: string; readonly attributes: Readonly<Record<string, string>>; readonly text: string };

const TAG = /<(\/?)([A-Za-z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/y;
const TEXT = /[^<]+/y;
const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };

/** Every element in the order of their beginnings. Fails when tags do not match, or a `&` or `<` stands alone. */
export function parseXml(source: string): XmlElement[] {
  const elements: { name: string; attributes: Record<string, string>; text: string }[] = [];
  const open: (typeof elements)[number][] = [];
  for (let at = 0; at < source.length; ) {
    TAG.lastIndex = at;
    TEXT.lastIndex = at;
    const text = TEXT.exec(source);
    const tag = text ? null : TAG.exec(source);
    assert.ok(text ?? tag, `no XML at "${source.slice(at, at + 60)}"`);
    at += (text?.[0] ?? tag?.[0] ?? '').length;
    if (text) {
      const parent = open.at(-1);
      if (parent) parent.text += decode(text[0]);
      else assert.equal(text[0].trim(), '', 'text outside of the root');
      continue;
    }
    const [, closing, name = '', written = '', empty] = tag ?? [];
    if (closing === '/') {
      assert.equal(open.pop()?.name, name, 'an end tag that does not match');
      continue;
    }
    const attributes = Object.fromEntries(
      [...written.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, decode(value)]),
    );
    const element = { name, attributes, text: '' };
    elements.push(element);
    if (empty !== '/') open.push(element);
  }
  assert.deepEqual(open, [], 'elements that are never closed');
  return elements;
}

function decode(text: string): string {
  const decoded = text.replaceAll(/&[a-z]+;/g, entity => ENTITIES[entity] ?? assert.fail(`an unknown entity: ${entity}`));
  assert.ok(!/&(?![a-z]+;)/.test(text), 'a lone &');
  return decoded;
}
