// The parts of an SVG drawing that every chart has: page, style, text, axis steps.

export const WIDTH = 860;
export const LEFT = 24;
export const RIGHT = 24;

export type Attributes = Readonly<Record<string, string | number>>;

/** One decimal is finer than a pixel shows. */
export function element(name: string, attributes: Attributes, content = ''): string {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escapeText(typeof value === 'number' ? short(value) : value)}"`,
  );
  return content === '' ? `<${name}${written.join('')}/>` : `<${name}${written.join('')}>${content}</${name}>`;
}

export const text = (content: string, attributes: Attributes): string => element('text', attributes, escapeText(content));

/** Readers without a picture get the description. */
export function page(height: number, { title, description }: { title: string; description: string }, parts: readonly string[]): string {
  const frame = { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height, role: 'img' };
  const heading = [element('title', {}, escapeText(title)), element('desc', {}, escapeText(description)), element('style', {}, STYLE)];
  const card = element('rect', { class: 'card', x: 0.5, y: 0.5, width: WIDTH - 1, height: height - 1, rx: 8 });
  const shown = text(title, { class: 'title', x: LEFT, y: 32 });
  return `${element('svg', frame, `\n${[...heading, card, shown, ...parts].join('\n')}\n`)}\n`;
}

/** Round numbers from 0 to at least `max`, five or so. */
export function axisSteps(max: number): number[] {
  const rough = (max > 0 && Number.isFinite(max) ? max : 1) / 5;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find(factor => factor * magnitude >= rough) ?? 10) * magnitude;
  const count = Math.ceil((max > 0 ? max : 1) / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(6)));
}

const short = (value: number): string => String(Number(value.toFixed(1)));

const escapeText = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const STYLE = `
svg { font: 13px system-ui, sans-serif; }
.card { fill: #ffffff; stroke: #d5d9e0; }
text { fill: #1f2430; }
.title { font-size: 16px; font-weight: 600; }
.quiet { fill: #5c6473; font-size: 12px; }
.value { paint-order: stroke; stroke: #ffffff; stroke-width: 4; }
.grid { stroke: #e3e6ec; }
.product { fill: #c2541b; } .peer { fill: #8a93a5; } .spread { stroke: #1f2430; stroke-width: 1.5; }
.reference { stroke: #1f2430; stroke-width: 1.5; stroke-dasharray: 5 4; }
.line { fill: none; stroke-width: 2; }
.line0 { stroke: #c2541b; } .line1 { stroke: #2f6fb0; } .line2 { stroke: #4b8f4a; } .line3 { stroke: #8457a8; } .line4 { stroke: #8a7a1f; }
@media (prefers-color-scheme: dark) {
  .card { fill: #161a22; stroke: #323948; }
  text { fill: #e6e9ef; }
  .quiet { fill: #9aa3b5; }
  .value { stroke: #161a22; }
  .grid { stroke: #2a303d; }
  .product { fill: #e8793f; } .peer { fill: #6b7488; } .spread, .reference { stroke: #e6e9ef; }
  .line0 { stroke: #e8793f; } .line1 { stroke: #6ba6e0; } .line2 { stroke: #7cc07a; } .line3 { stroke: #b48ad6; } .line4 { stroke: #cbb84e; }
}
`;
