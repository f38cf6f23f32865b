// Whole lines out of what arrives in pieces, and a bound on how long one may be.

export class LineReader {
  #parts: string[] = [];
  #length = 0;
  readonly #maxLength: number;
  readonly #onLine: (line: string) => void;
  readonly #onTooLong: () => void;

  /** A line longer than `maxLength` is told by `onTooLong`, and nothing after it. */
  constructor(options: { readonly maxLength: number; readonly onLine: (line: string) => void; readonly onTooLong: () => void }) {
    this.#maxLength = options.maxLength;
    this.#onLine = options.onLine;
    this.#onTooLong = options.onTooLong;
  }

  push(text: string): void {
    if (this.#length > this.#maxLength) return;
    const lines = text.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      const whole = this.#parts.join('') + line;
      this.#parts = [];
      this.#length = 0;
      if (whole !== '') this.#onLine(whole);
    }
    this.#parts.push(rest);
    this.#length += rest.length;
    if (this.#length > this.#maxLength) this.#onTooLong();
  }
}
