// XML as people and programs leave it beside films, as a tree. No entity is declared by a file: what it refers to that XML and HTML do not know stays as it is written.
import sax from 'sax';
import { decodeText } from '#domain/subtitles/charset.ts';

export type XmlElement = {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** All of its own text, without that of its children. */
  readonly text: string;
};

/** What was said outside of all elements is kept too: Kodi writes addresses there. */
export type XmlText = { readonly roots: readonly XmlElement[]; readonly outside: string };

type Open = { name: string; attributes: Record<string, string>; children: XmlElement[]; text: string };

const MAX_DEPTH = 32;
const MAX_ELEMENTS = 20_000;

class TooMuch extends Error {}

/** What several elements and the text between them stand in: a file of XML has but one. */
const WRAPPER = 'ferrite-nfo';

/** Null where it is deeper or longer than any description of a film. */
export function parseXml(bytes: Uint8Array): XmlText | null {
  const whole: Open = { name: '', attributes: {}, children: [], text: '' };
  const open: Open[] = [whole];
  let elements = 0;
  // Not strict: a description with a mistake in it still describes.
  const parser = sax.parser(false, { lowercase: true });
  parser.onerror = () => parser.resume();
  parser.onopentag = ({ name, attributes }) => {
    if (name === WRAPPER) return;
    if (open.length > MAX_DEPTH || ++elements > MAX_ELEMENTS) throw new TooMuch();
    open.push({ name, attributes: attributes as Record<string, string>, children: [], text: '' });
  };
  const addText = (text: string): void => {
    (open.at(-1) ?? whole).text += text;
  };
  parser.ontext = addText;
  parser.oncdata = addText;
  parser.onclosetag = name => {
    const closed = name === WRAPPER ? undefined : open.pop();
    if (closed !== undefined) (open.at(-1) ?? whole).children.push({ ...closed, text: closed.text.trim() });
  };
  try {
    parser.write(`<${WRAPPER}>${withoutProlog(decodeXml(bytes))}</${WRAPPER}>`).close();
  } catch (error) {
    if (error instanceof TooMuch) return null;
    throw error;
  }
  return { roots: whole.children, outside: whole.text.trim() };
}

const withoutProlog = (text: string): string => text.replace(/^\ufeff?\s{0,100}<\?xml[^>]{0,1000}>/i, '');

/** What a file declares counts only where its bytes do not say otherwise. */
function decodeXml(bytes: Uint8Array): string {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 200));
  const declared = /<\?xml[^>]*\bencoding\s*=\s*["']([\w.:-]+)["']/i.exec(head)?.[1];
  if (declared === undefined || /^utf-?(?:8|16)/i.test(declared)) return decodeText(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return decodedAs(declared, bytes) ?? decodeText(bytes);
  }
}

function decodedAs(encoding: string, bytes: Uint8Array): string | null {
  try {
    return new TextDecoder(encoding).decode(bytes);
  } catch {
    return null;
  }
}
