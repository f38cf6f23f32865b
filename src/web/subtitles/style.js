// How subtitles look: size and background, remembered for the next film. The rules stand in player.css, by attributes of the player.

const KEY = 'ferrite.subtitleStyle';
const SIZES = /** @type {const} */ (['small', 'normal', 'large', 'huge']);
const BACKGROUNDS = /** @type {const} */ (['box', 'shadow']);

export class SubtitleStyle {
  #root;
  size;
  background;

  /** @param {HTMLElement} root the player */
  constructor(root) {
    this.#root = root;
    const [size, background] = (localStorage.getItem(KEY) ?? '').split(' ');
    this.size = SIZES.find(one => one === size) ?? 'normal';
    this.background = BACKGROUNDS.find(one => one === background) ?? 'box';
    this.#apply();
  }

  nextSize() {
    this.size = SIZES[(SIZES.indexOf(this.size) + 1) % SIZES.length] ?? 'normal';
    this.#save();
  }

  nextBackground() {
    this.background = BACKGROUNDS[(BACKGROUNDS.indexOf(this.background) + 1) % BACKGROUNDS.length] ?? 'box';
    this.#save();
  }

  #save() {
    localStorage.setItem(KEY, `${this.size} ${this.background}`);
    this.#apply();
  }

  #apply() {
    this.#root.dataset.subtitleSize = this.size;
    this.#root.dataset.subtitleBackground = this.background;
  }
}
