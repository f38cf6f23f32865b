// The card over the end of an episode that leads to the next one, and what is known of the next one.
import * as xstate from '/vendor/xstate.js';
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { icon } from '../icons.js';
import { posterPicture, progressOf, resumeMs, watchPath } from '../library/film-card.js';
import { episodeCode } from '../library/names.js';
import { partAfter } from '../library/versions.js';
import { episodeAfter } from '../shows/order.js';
import { COUNTDOWN_S, createNextEpisodeMachine } from './next-episode-machine.js';

const machine = createNextEpisodeMachine(xstate);

/** Kept from one episode to the next: each has a player of its own. */
let wentOn = 0;

/** Fires `known` once there is a next episode. */
export class NextEpisode extends EventTarget {
  root = element('section', { class: 'next-episode', 'aria-label': 'Next episode', hidden: true });
  #status = element('p', { class: 'next-status', role: 'status' });
  #count = element('span', { class: 'next-count', 'aria-hidden': 'true' });
  #video;
  #go;
  /** @type {any} */
  #next = null;
  /** @type {number | null} */
  #creditsMs = null;
  /** @type {import('../library/versions.js').Version[]} */
  #versions = [];
  #actor = xstate.createActor(machine, { input: { wentOn } });
  #play = element('button', { class: 'button primary', type: 'button', onclick: () => this.play() }, icon('play'), 'Play now', this.#count);

  /**
   * @param {HTMLVideoElement} video
   * @param {{ stage: HTMLElement, positionMs: () => number, mediaId: () => string, go: (path: string) => void, signal: AbortSignal }} options
   */
  constructor(video, { stage, positionMs, mediaId, go, signal }) {
    super();
    this.#video = video;
    this.#go = go;
    this.#actor.subscribe(snapshot => this.#show(snapshot));
    this.#actor.start();
    signal.addEventListener('abort', () => this.#actor.stop());
    video.addEventListener('ended', () => this.#ended(mediaId()), { signal });
    video.addEventListener('seeking', () => this.#actor.send({ type: 'episode.resumed' }), { signal });
    video.addEventListener('timeupdate', () => this.#lookForCredits(positionMs()), { signal });
    for (const event of ['pointerdown', 'keydown'])
      (event === 'keydown' ? window : stage).addEventListener(event, () => this.#actor.send({ type: 'person.acted' }), { signal });
  }

  get isKnown() {
    return this.#next !== null;
  }

  get isShown() {
    return !this.root.hidden;
  }

  play() {
    if (this.#next !== null) this.#actor.send({ type: 'person.goes' });
  }

  cancel() {
    this.#actor.send({ type: 'person.cancels' });
  }

  /** The next part of the same film follows without a question. @param {string} mediaId that was played */
  #ended(mediaId) {
    const part = partAfter(this.#versions, mediaId);
    if (part !== null) this.#go(watchPath(part, 0));
    else if (this.#next !== null) this.#actor.send({ type: 'episode.ended' });
  }

  /** Of an episode, once it is known. @param {any} media @param {AbortSignal} signal */
  async find(media, signal) {
    this.#versions = media.versions ?? [];
    if (!media.show) return;
    const path = `/api/v1/media/${encodeURIComponent(media.id)}/segments`;
    // Without either the episode just ends.
    const [show, segments] = await Promise.all([
      request('GET', `/api/v1/shows/${encodeURIComponent(media.show.id)}`, { signal }).catch(() => null),
      request('GET', path, { signal }).catch(() => null),
    ]);
    if (signal.aborted || show === null) return;
    this.#next = episodeAfter(show, media.id);
    if (this.#next === null) return;
    const credits = (segments?.items ?? []).find((/** @type {any} */ { kind }) => kind === 'credits');
    this.#creditsMs = credits?.startMs ?? null;
    this.#build();
    this.dispatchEvent(new Event('known'));
    if (this.#video.ended) this.#actor.send({ type: 'episode.ended' });
  }

  #build() {
    const { title } = this.#next;
    const cancel = element('button', { class: 'button', type: 'button', onclick: () => this.cancel() }, 'Cancel');
    fill(
      this.root,
      element('div', { class: 'poster' }, posterPicture(this.#next)),
      element(
        'div',
        { class: 'next-text' },
        this.#status,
        element('p', { class: 'next-title' }, [episodeCode(this.#next), title].filter(Boolean).join(' · ')),
        element('div', { class: 'row' }, this.#play, cancel),
      ),
    );
  }

  /** @param {number} positionMs */
  #lookForCredits(positionMs) {
    if (this.#creditsMs === null || positionMs < this.#creditsMs || this.#next === null) return;
    this.#actor.send({ type: 'credits.begun' });
  }

  /** @param {{ value: unknown, context: import('./next-episode-machine.js').Context }} snapshot */
  #show({ value, context }) {
    wentOn = context.wentOn;
    if (value === 'going') return this.#leave();
    const isShown = value === 'counting' || value === 'asking' || value === 'offered';
    const text =
      value === 'asking' ? 'Are you still watching?' : value === 'counting' ? `Next episode in ${COUNTDOWN_S} seconds` : 'Next episode';
    // Told once: a screen reader does not count along.
    if (isShown && this.#status.textContent !== text) this.#status.textContent = text;
    this.#count.textContent = value === 'counting' ? String(context.secondsLeft) : '';
    if (isShown === !this.root.hidden) return;
    this.root.hidden = !isShown;
    if (value === 'asking') this.#play.focus();
  }

  #leave() {
    this.root.hidden = true;
    this.#go(watchPath(this.#next.id, resumeMs(progressOf(this.#next))));
  }
}
