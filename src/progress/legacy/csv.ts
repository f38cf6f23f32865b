// A table as text: commas, semicolons or tabs, quotes as in RFC 4180, the first line names the columns.
import type { LegacyTable } from './legacy-table.ts';

const SEPARATORS = [',', ';', '\t'];

export function readCsv(text: string): LegacyTable {
  const content = text.replace(/^\u{feff}/u, '');
  const head = content.slice(0, content.search(/[\r\n]|$/));
  const separator = SEPARATORS.toSorted((a, b) => head.split(b).length - head.split(a).length)[0] ?? ',';
  const [names = { line: 1, cells: [] }, ...records] = recordsOf(content, separator);
  const columns = names.cells.map(name => name.trim());
  const rows = records
    .filter(({ cells }) => cells.some(cell => cell !== ''))
    .map(({ line, cells }) => ({
      row: `line ${line}`,
      values: Object.fromEntries(columns.map((name, at) => [name, cells[at] ?? ''])),
    }));
  return { columns, rows, titles: new Map(), users: new Map() };
}

type TextRecord = { readonly line: number; readonly cells: readonly string[] };

function recordsOf(text: string, separator: string): TextRecord[] {
  const records: TextRecord[] = [];
  let [cells, cell, line, begun, isQuoted]: [string[], string, number, number, boolean] = [[], '', 1, 1, false];
  const endRecord = (): void => {
    records.push({ line: begun, cells: [...cells, cell] });
    [cells, cell, begun] = [[], '', line];
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '\n') line++;
    if (isQuoted) {
      if (character !== '"') cell += character;
      else if (text[at + 1] === '"') cell += text[at++] ?? '';
      else isQuoted = false;
    } else if (character === '"' && cell === '') isQuoted = true;
    else if (character === separator) {
      cells.push(cell);
      cell = '';
    } else if (character === '\n') endRecord();
    else if (character !== '\r' || text[at + 1] !== '\n') cell += character;
  }
  if (cell !== '' || cells.length > 0) endRecord();
  return records;
}
