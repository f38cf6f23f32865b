// SAMI: text from one `<SYNC Start=…>` to the next, a blank one takes it off. Of several languages in one file the first that says anything is shown.
import { type Cue, MAX_CUE_CHARACTERS, MAX_CUES } from './cue.ts';
import { parseTagged } from './tagged-text.ts';

/** Text that nothing takes off. */
const DEFAULT_MS = 4_000;
const SYNC = /^[^>]{0,200}?\bstart\s*=\s*["']?(\d{1,9})/i;

type Said = { readonly startMs: number; readonly language: string; readonly text: string };

export function parseSami(text: string): Cue[] {
  const said: Said[] = [];
  // The first piece is the head.
  for (const piece of text.split(/<sync\b/i).slice(1)) {
    const start = SYNC.exec(piece)?.[1];
    const end = piece.indexOf('>');
    if (start === undefined || end === -1 || said.length > 4 * MAX_CUES) continue;
    for (const part of piece.slice(end + 1).split(/(?=<p\b)/i)) {
      const [, tag = '', body = part] = /^<p\b([^>]{0,400})>([\s\S]*)$/i.exec(part) ?? [];
      const language = (/\bclass\s*=\s*["']?([\w-]{1,40})/i.exec(tag)?.[1] ?? '').toLowerCase();
      if (tag !== '' || body.trim() !== '') said.push({ startMs: Number(start), language, text: textOf(body) });
    }
  }
  const language = said.find(one => one.text !== '')?.language;
  return cuesOf(said.filter(one => one.language === language));
}

function cuesOf(said: readonly Said[]): Cue[] {
  return said.flatMap(({ startMs, text }, at) => {
    const endMs = said[at + 1]?.startMs ?? startMs + DEFAULT_MS;
    return text === '' ? [] : [{ startMs, endMs, text, settings: '' }];
  });
}

/** Lines of the file are none of the text; `<br>` makes them. */
function textOf(body: string): string {
  const lines = body
    .slice(0, 4 * MAX_CUE_CHARACTERS)
    .replace(/<\/(?:p|body|sami)\s*>|<!--|-->/gi, '')
    .replace(/\s+/g, ' ')
    .replace(/<br\s*\/?>/gi, '\n');
  return parseTagged(lines, { hasEntities: true }).text;
}
