// A button with a list of choices above it: one is chosen; arrow keys move, Escape closes.
import { element, fill } from './dom.js';
import { icon } from './icons.js';

/** @typedef {{ label: string, note?: string, isChosen?: boolean, act: () => void }} MenuItem */

let openMenu = /** @type {Menu | null} */ (null);

export class Menu {
  #title;
  #items;
  #list = element('div', { class: 'menu', role: 'menu', hidden: true });
  #label = element('span', { class: 'menu-label' });
  button;
  root;

  /**
   * @param {string} title
   * @param {import('./icons.js').IconName | null} iconName null: only the text
   * @param {() => MenuItem[]} items read each time the menu opens
   */
  constructor(title, iconName, items) {
    this.#title = title;
    this.#items = items;
    this.button = element(
      'button',
      {
        class: 'control',
        type: 'button',
        'aria-label': title,
        title,
        'aria-haspopup': 'menu',
        'aria-expanded': 'false',
        onclick: () => this.toggle(),
      },
      iconName === null ? null : icon(iconName),
      this.#label,
    );
    this.#list.setAttribute('aria-label', title);
    this.#list.addEventListener('keydown', event => this.#onKey(event));
    this.root = element('div', { class: 'menu-anchor' }, this.button, this.#list);
  }

  static get isOpen() {
    return openMenu !== null;
  }

  static closeOpen() {
    openMenu?.close();
  }

  /** Short text on the button, such as the present speed. @param {string} text */
  setLabel(text) {
    if (this.#label.textContent === text) return;
    this.#label.textContent = text;
    this.button.setAttribute('aria-label', text === '' ? this.#title : `${this.#title}: ${text}`);
  }

  get title() {
    return this.#title;
  }

  /** Its button has no place on this screen, but its list has. */
  get isTuckedAway() {
    return !this.root.hidden && this.button.offsetParent === null;
  }

  /** @param {boolean} isShown */
  show(isShown) {
    if (!isShown && openMenu === this) this.close();
    this.root.hidden = !isShown;
  }

  toggle() {
    if (openMenu === this) this.close();
    else this.open();
  }

  open() {
    openMenu?.close();
    openMenu = this;
    this.#render();
    this.#list.hidden = false;
    this.button.setAttribute('aria-expanded', 'true');
    const items = this.#buttons();
    (items.find(item => item.getAttribute('aria-checked') === 'true') ?? items[0])?.focus();
  }

  close() {
    const hadFocus = this.#list.contains(document.activeElement);
    openMenu = openMenu === this ? null : openMenu;
    this.#list.hidden = true;
    this.button.setAttribute('aria-expanded', 'false');
    if (hadFocus) this.button.focus({ preventScroll: true });
  }

  #render() {
    const items = this.#items();
    const isChoice = items.some(item => item.isChosen !== undefined);
    const buttons = items.map(item =>
      element(
        'button',
        {
          type: 'button',
          class: 'menu-item',
          role: isChoice ? 'menuitemradio' : 'menuitem',
          'aria-checked': isChoice ? String(item.isChosen === true) : null,
          onclick: () => {
            this.close();
            item.act();
          },
        },
        isChoice ? element('span', { class: 'menu-check' }, item.isChosen ? icon('check') : null) : null,
        element('span', { class: 'menu-text' }, item.label),
        item.note ? element('span', { class: 'menu-note' }, item.note) : null,
      ),
    );
    fill(this.#list, element('div', { class: 'menu-title', 'aria-hidden': 'true' }, this.#title), ...buttons);
  }

  #buttons() {
    return Array.from(this.#list.querySelectorAll('button'));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const buttons = this.#buttons();
    const present = buttons.findIndex(button => button.matches(':focus'));
    const steps = { ArrowDown: present + 1, ArrowUp: present - 1 + buttons.length, Home: 0, End: buttons.length - 1 };
    const step = Object.entries(steps).find(([key]) => key === event.key)?.[1];
    if (event.key === 'Escape') this.close();
    else if (step !== undefined) buttons[step % buttons.length]?.focus();
    else if (event.key !== 'Enter' && event.key !== ' ') return;
    if (event.key !== 'Enter' && event.key !== ' ') event.preventDefault();
    event.stopPropagation();
  }
}
