// The text of a file in whatever character set it was written: said by a byte order mark, or UTF-8 where it is that, or as its statistics tell.
import { analyse } from 'chardet';

/** Statistics need no more. */
const SAMPLE_BYTES = 64 * 1024;
const DEFAULT = 'windows-1252';
/** Zero bytes in every other place: UTF-16 without a mark. */
const MIN_ZERO_SHARE = 0.3;

export function decodeText(bytes: Uint8Array): string {
  const marked = markOf(bytes);
  if (marked !== null) return new TextDecoder(marked).decode(bytes);
  const wide = wideOf(bytes);
  if (wide !== null) return new TextDecoder(wide).decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder(guess(bytes)).decode(bytes);
  }
}

function markOf([first, second, third]: Uint8Array): string | null {
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : null;
}

function wideOf(bytes: Uint8Array): string | null {
  const sample = bytes.subarray(0, 2_000);
  const zeros = [0, 0];
  sample.forEach((byte, at) => {
    if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  });
  const share = (count: number | undefined): number => (count ?? 0) / Math.max(1, sample.length / 2);
  if (share(zeros[1]) > MIN_ZERO_SHARE) return 'utf-16le';
  return share(zeros[0]) > MIN_ZERO_SHARE ? 'utf-16be' : null;
}

/** The first guess that the platform can decode. A file of one odd byte in UTF-8 is still UTF-8. */
function guess(bytes: Uint8Array): string {
  for (const { name } of analyse(bytes.subarray(0, SAMPLE_BYTES))) {
    const label = labelOf(name);
    if (label !== null) return label;
  }
  return DEFAULT;
}

function labelOf(name: string): string | null {
  // Text in it is text of its superset, which has the quotes and dashes that programs write.
  const wanted = name.toLowerCase() === 'iso-8859-1' ? DEFAULT : name;
  try {
    return new TextDecoder(wanted).encoding;
  } catch {
    return null;
  }
}
