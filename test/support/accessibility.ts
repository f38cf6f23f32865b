// What of a page somebody can not use: with a screen reader or weak eyes, or with a finger.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';

const axe = await readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

/** What a screen reader or a person with weak eyes would stumble over. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return await page.evaluate(async () => {
    type Found = { id: string; nodes: { target: string[]; failureSummary: string }[] };
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Found[] }> } };
    const { violations: found } = await axe.run();
    return found.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target.join(' ')} ${failureSummary}`).join('; ')}`,
    );
  });
}

/** Buttons, links and sliders that are too small for a finger, and whether the page is wider than the screen. */
export const unfitForFingers = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    type Box = { width: number; height: number; left: number; right: number };
    type Node = {
      textContent: string;
      closest(selector: string): unknown;
      getAttribute(name: string): string | null;
      getBoundingClientRect(): Box;
      offsetParent: unknown;
    };
    const { document, innerWidth } = globalThis as unknown as {
      document: { documentElement: { scrollWidth: number }; querySelectorAll(selector: string): Iterable<Node> };
      innerWidth: number;
    };
    const small = [...document.querySelectorAll('button, a, select, input, [role=slider]')].flatMap(node => {
      const { width, height, left, right } = node.getBoundingClientRect();
      if (node.offsetParent === null || width === 0) return [];
      const name = node.getAttribute('aria-label') ?? node.textContent;
      if (width < 44 || height < 44) return [`${name}: ${width} × ${height}`];
      // In a row that scrolls sideways something is always beyond the edge.
      if (node.closest('.row-scroll, .site-nav') !== null) return [];
      return left < 0 || right > innerWidth ? [`${name}: from ${left} to ${right}`] : [];
    });
    const { scrollWidth } = document.documentElement;
    return scrollWidth > innerWidth ? [...small, `the page is ${scrollWidth} wide`] : small;
  });
