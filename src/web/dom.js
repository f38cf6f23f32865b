// Builds elements: text is always text, never markup, so that a title can't become a script.

/** @typedef {Node | string | number | null | undefined | false} Child */

const PROPERTIES = new Set([
  'value',
  'checked',
  'disabled',
  'hidden',
  'muted',
  'htmlFor',
  'className',
  'textContent',
  'open',
  'tabIndex',
  'selected',
]);

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [settings] `onclick` and the like add listeners; `class` and `aria-*` are attributes
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, settings = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on') && typeof value === 'function') node.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (PROPERTIES.has(name)) Reflect.set(node, name, value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  append(node, children.flat());
  return node;
}

/**
 * @param {Element} parent
 * @param {Child[]} children
 */
export function append(parent, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(typeof child === 'number' ? String(child) : child);
  }
}

/**
 * Replaces the children of `parent`.
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}
