// Which of the encodings that we keep a client wants (RFC 9110, 12.5.3).
import { ENCODINGS, type Encoding } from '#src/playback/offer/playlist.ts';

const MAX_REMEMBERED = 64;

/** Clients send a handful of different lines, each of them very often. */
const remembered = new Map<string, Encoding>();

/** The one of the highest weight; of equal ones the smallest. Without the header the bytes as they are, which every client can read. */
export function acceptedEncoding(header: string): Encoding {
  if (header === '') return 'identity';
  const known = remembered.get(header);
  if (known !== undefined) return known;
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  const chosen = choose(header.toLowerCase());
  remembered.set(header, chosen);
  return chosen;
}

function choose(header: string): Encoding {
  const weights = new Map(header.split(',').map(readWeight));
  const any = weights.get('*');
  let best: Encoding = 'identity';
  // `identity`, named neither by itself nor by `*`, remains where no other encoding is accepted.
  let bestWeight = weights.get('identity') ?? 0;
  for (const encoding of ENCODINGS) {
    const weight = weights.get(encoding) ?? any ?? 0;
    if (weight <= 0 || weight < bestWeight) continue;
    if (weight === bestWeight && best !== 'identity') continue;
    best = encoding;
    bestWeight = weight;
  }
  return best;
}

function readWeight(part: string): [string, number] {
  const [name = '', ...parameters] = part.split(';').map(text => text.trim());
  const text = parameters.find(parameter => parameter.startsWith('q='))?.slice(2);
  if (text === undefined) return [name, 1];
  const weight = Number(text);
  return [name, text !== '' && weight >= 0 && weight <= 1 ? weight : 0];
}
