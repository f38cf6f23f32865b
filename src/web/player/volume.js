// The volume of the player: loudness and silence of the video element, remembered for the next film.

const KEY = 'ferrite.volume';

export class Volume {
  #video;
  #isMutedByPerson = false;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
    const saved = /** @type {{ volume?: unknown, muted?: unknown }} */ (JSON.parse(localStorage.getItem(KEY) ?? '{}'));
    if (typeof saved.volume === 'number') video.volume = within(saved.volume);
    this.#isMutedByPerson = saved.muted === true;
    video.muted = this.#isMutedByPerson;
  }

  /** False while the browser alone keeps the film silent. */
  get isMutedByPerson() {
    return this.#isMutedByPerson;
  }

  /** @param {number} volume */
  set(volume) {
    this.#video.volume = within(volume);
    this.#video.muted = this.#video.volume === 0;
    this.#save();
  }

  /** @param {number} by */
  change(by) {
    this.set((this.#video.muted ? 0 : this.#video.volume) + by);
  }

  toggleMute() {
    const video = this.#video;
    video.muted = !video.muted;
    if (!video.muted && video.volume === 0) video.volume = 0.5;
    this.#save();
  }

  #save() {
    this.#isMutedByPerson = this.#video.muted;
    localStorage.setItem(KEY, JSON.stringify({ volume: this.#video.volume, muted: this.#video.muted }));
  }
}

/** @param {number} volume */
const within = volume => Math.min(Math.max(volume, 0), 1);
