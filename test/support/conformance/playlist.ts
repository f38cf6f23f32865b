// A playlist as its lines say: read without the library that writes ours, so that both are never wrong in the same way.

export type Attributes = Readonly<Record<string, string>>;
export type Tag = { readonly name: string; readonly value: string; readonly attributes: Attributes };

export type Playlist = {
  readonly text: string;
  readonly lines: readonly string[];
  readonly tags: readonly Tag[];
  readonly variants: readonly { readonly attributes: Attributes; readonly uri: string }[];
  readonly renditions: readonly Attributes[];
  readonly segments: readonly { readonly duration: string; readonly uri: string }[];
};

/** Attribute lists (RFC 8216, 4.2); quoted values keep their quotes, which say what kind they are. */
export const attributesOf = (list: string): Attributes =>
  Object.fromEntries([...list.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)].map(([, name = '', value = '']) => [name, value]));

export const unquoted = (value: string | undefined): string => (value ?? '').replaceAll('"', '');

export function readPlaylist(text: string): Playlist {
  const lines = text.split('\n');
  const tags: Tag[] = [];
  const variants: { attributes: Attributes; uri: string }[] = [];
  const segments: { duration: string; uri: string }[] = [];
  let [pendingVariant, pendingDuration]: [Attributes | null, string | null] = [null, null];
  for (const line of lines) {
    const [, name = '', value = ''] = /^#(EXT[A-Z0-9-]*):?(.*)$/.exec(line) ?? [];
    if (name !== '') {
      const attributes = attributesOf(value);
      tags.push({ name, value, attributes });
      if (name === 'EXT-X-STREAM-INF') pendingVariant = attributes;
      if (name === 'EXTINF') pendingDuration = value.split(',')[0] ?? '';
    } else if (line !== '' && !line.startsWith('#')) {
      if (pendingVariant) variants.push({ attributes: pendingVariant, uri: line });
      if (pendingDuration !== null) segments.push({ duration: pendingDuration, uri: line });
      [pendingVariant, pendingDuration] = [null, null];
    }
  }
  const renditions = tags.filter(({ name }) => name === 'EXT-X-MEDIA').map(({ attributes }) => attributes);
  return { text, lines, tags, variants, renditions, segments };
}

export const tagsNamed = ({ tags }: Playlist, name: string): Tag[] => tags.filter(tag => tag.name === name);

/** A stream: its multivariant playlist and every media playlist that it names, by address. */
export type Stream = { readonly main: Playlist; readonly media: ReadonlyMap<string, Playlist> };
