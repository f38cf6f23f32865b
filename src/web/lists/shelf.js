// A row of cards under a heading, which scrolls sideways by buttons, arrow keys or a finger.
import { element } from '../dom.js';
import { icon } from '../icons.js';

/**
 * @param {string} title
 * @param {HTMLElement[]} cards `li` elements
 * @param {{ href?: string }} [options] where all of them are
 */
export function shelf(title, cards, { href } = {}) {
  const list = element('ul', { class: 'row-scroll', 'aria-label': title }, ...cards);
  /** @param {number} direction */
  const turn = direction => list.scrollBy({ left: direction * list.clientWidth * 0.8, behavior: 'smooth' });
  const buttons = element(
    'div',
    { class: 'shelf-buttons', 'aria-hidden': 'true' },
    element('button', { class: 'control', type: 'button', tabIndex: -1, onclick: () => turn(-1) }, icon('back')),
    element('button', { class: 'control is-turned', type: 'button', tabIndex: -1, onclick: () => turn(1) }, icon('back')),
  );
  list.addEventListener('keydown', event => moveFocus(event, list));
  new ResizeObserver(() => {
    buttons.hidden = list.scrollWidth <= list.clientWidth + 1;
  }).observe(list);
  const heading = element('h2', {}, href === undefined ? title : element('a', { class: 'shelf-link', href }, title));
  return element('section', { class: 'shelf', 'aria-label': title }, element('div', { class: 'section-head' }, heading, buttons), list);
}

/** @param {KeyboardEvent} event @param {HTMLElement} list */
function moveFocus(event, list) {
  const links = [...list.querySelectorAll('a')];
  const at = links.findIndex(link => link.matches(':focus'));
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: links.length - 1 }[event.key];
  if (at < 0 || to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  links[to]?.focus();
}
