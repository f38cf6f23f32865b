// What a user or a group may have: as fields of a form, and in words.
import { element } from '../dom.js';
import { field } from '../login/login.js';

/** @typedef {{ maxSessions?: number | null, maxBitrateBps?: number | null, libraryIds?: string[] | null, maxAgeRating?: number | null, allowsUnrated?: boolean }} Limits */

/**
 * An empty field: what the group says, or no limit.
 * @param {Limits} limits
 * @param {{ id: string, name: string }[]} libraries
 * @returns {{ rows: HTMLElement[], read: () => Limits }}
 */
export function limitFields(limits, libraries) {
  const sessions = field('Places at once', { type: 'number', min: 1, max: 1000, value: limits.maxSessions ?? '', placeholder: 'no limit' });
  const rate = field('Most Mbit/s', {
    type: 'number',
    min: 0.1,
    max: 1000,
    step: 0.1,
    value: limits.maxBitrateBps ? limits.maxBitrateBps / 1_000_000 : '',
    placeholder: 'no limit',
  });
  const age = field('Up to the age of', { type: 'number', min: 0, max: 21, value: limits.maxAgeRating ?? '', placeholder: 'any' });
  const unrated = element('input', { type: 'checkbox', checked: limits.allowsUnrated === true });
  const isOnly = Array.isArray(limits.libraryIds);
  const only = element('input', { type: 'checkbox', checked: isOnly });
  const boxes = libraries.map(({ id, name }) => ({
    id,
    name,
    input: element('input', { type: 'checkbox', checked: !isOnly || limits.libraryIds?.includes(id) }),
  }));
  const choice = element(
    'fieldset',
    { class: 'choices', hidden: !isOnly },
    element('legend', {}, 'Libraries'),
    ...boxes.map(({ name, input }) => check(input, name)),
  );
  only.addEventListener('change', () => {
    choice.hidden = !only.checked;
  });
  return {
    rows: [
      element('div', { class: 'row' }, sessions.row, rate.row, age.row),
      check(unrated, 'With an age: also titles that nobody has rated'),
      check(only, 'Only some libraries'),
      choice,
    ],
    read: () => ({
      ...told('maxSessions', sessions.input, Number),
      ...told('maxBitrateBps', rate.input, text => Math.round(Number(text) * 1_000_000)),
      ...told('maxAgeRating', age.input, Number),
      ...(unrated.checked || limits.allowsUnrated !== undefined ? { allowsUnrated: unrated.checked } : {}),
      ...(only.checked ? { libraryIds: boxes.filter(({ input }) => input.checked).map(({ id }) => id) } : liftedOr('libraryIds')),
    }),
  };

  /** @param {'maxSessions' | 'maxBitrateBps' | 'maxAgeRating'} name @param {HTMLInputElement} input @param {(text: string) => number} parse */
  function told(name, { value }, parse) {
    return value === '' ? liftedOr(name) : { [name]: parse(value) };
  }

  /** Null lifts the limit of the group: what was lifted stays so. @param {keyof Limits} name */
  function liftedOr(name) {
    return limits[name] === null ? { [name]: null } : {};
  }
}

/** @param {Limits} limits @param {{ id: string, name: string }[]} libraries */
export function limitsText({ maxSessions, maxBitrateBps, libraryIds, maxAgeRating } = {}, libraries) {
  const names = libraryIds?.map(id => libraries.find(library => library.id === id)?.name ?? 'a library that is gone');
  const parts = [
    maxSessions ? `${maxSessions} at once` : null,
    maxBitrateBps ? `up to ${maxBitrateBps / 1_000_000} Mbit/s` : null,
    typeof maxAgeRating === 'number' ? `up to the age of ${maxAgeRating}` : null,
    names ? (names.length === 0 ? 'no library' : names.join(', ')) : null,
  ];
  return parts.filter(Boolean).join(' · ') || 'No limits';
}

/** @param {HTMLInputElement} input @param {string} label */
export const check = (input, label) => element('label', { class: 'check' }, input, element('span', {}, label));
