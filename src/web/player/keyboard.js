// The player's keys: one table that binds them and that `?` shows as help.

const TYPING = 'input, textarea, select, [contenteditable]';

/**
 * @typedef {{ togglePlay(): void, seekBy(ms: number, mode?: import('./seek-mode.js').SeekMode): void, togglePrecision(): void, seekToShare(share: number): void, changeVolume(by: number): void, toggleMute(): void,
 *   toggleFullscreen(): void, toggleSubtitles(): void, toggleStats(): void, changeSpeed(steps: number): void, toggleHelp(): void, nextEpisode(): void, skip(): void, leave(): void }} PlayerCommands
 */

/** @type {{ keys: string[], shown: string, does: string, run: (commands: PlayerCommands) => void }[]} */
const BINDINGS = [
  { keys: [' ', 'k'], shown: 'Space, K', does: 'Play or pause', run: commands => commands.togglePlay() },
  { keys: ['arrowleft', 'j'], shown: '←, J', does: 'Back 10 seconds', run: commands => commands.seekBy(-10_000) },
  { keys: ['arrowright', 'l'], shown: '→, L', does: 'Forward 10 seconds', run: commands => commands.seekBy(10_000) },
  {
    keys: ['shift+arrowleft'],
    shown: 'Shift ← →',
    does: 'The same, to the very frame',
    run: commands => commands.seekBy(-10_000, 'precise'),
  },
  {
    keys: ['shift+arrowright'],
    shown: '',
    does: '',
    run: commands => commands.seekBy(10_000, 'precise'),
  },
  {
    keys: ['p'],
    shown: 'P',
    does: 'Every seek to the very frame, or where it is soonest',
    run: commands => commands.togglePrecision(),
  },
  { keys: ['arrowup'], shown: '↑', does: 'Louder', run: commands => commands.changeVolume(0.05) },
  { keys: ['arrowdown'], shown: '↓', does: 'Quieter', run: commands => commands.changeVolume(-0.05) },
  { keys: ['m'], shown: 'M', does: 'Sound on or off', run: commands => commands.toggleMute() },
  { keys: ['f'], shown: 'F', does: 'Full screen', run: commands => commands.toggleFullscreen() },
  { keys: ['c'], shown: 'C', does: 'Subtitles on or off', run: commands => commands.toggleSubtitles() },
  { keys: ['<'], shown: '<', does: 'Slower', run: commands => commands.changeSpeed(-1) },
  { keys: ['>'], shown: '>', does: 'Faster', run: commands => commands.changeSpeed(1) },
  { keys: [], shown: '0 – 9', does: 'Jump to that tenth of the film', run: () => undefined },
  { keys: ['n'], shown: 'N', does: 'Next episode', run: commands => commands.nextEpisode() },
  { keys: ['s'], shown: 'S', does: 'Skip the intro, recap or credits', run: commands => commands.skip() },
  { keys: ['i'], shown: 'I', does: 'Statistics', run: commands => commands.toggleStats() },
  { keys: ['?'], shown: '?', does: 'These keys', run: commands => commands.toggleHelp() },
  { keys: ['escape'], shown: 'Esc', does: 'Back to the film', run: commands => commands.leave() },
];

/** A row that stands for two keys is shown once. */
export const KEY_HELP = BINDINGS.filter(({ shown }) => shown !== '').map(({ shown, does }) => ({ shown, does }));

/**
 * @param {PlayerCommands} commands
 * @param {AbortSignal} signal
 */
export function bindKeys(commands, signal) {
  addEventListener(
    'keydown',
    event => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const { target } = event;
      if (target instanceof Element && target.closest(TYPING) && !target.matches('[type=range]')) return;
      // Space presses the button that has the focus.
      if (event.key === ' ' && target instanceof HTMLButtonElement && target.matches(':focus-visible')) return;
      if (!run(keyOf(event), commands)) return;
      event.preventDefault();
    },
    { signal },
  );
}

/** Shift counts with the arrows alone: some keyboards need it to write letters and signs. @param {KeyboardEvent} event */
const keyOf = ({ key, shiftKey }) => (shiftKey && /^Arrow(Left|Right)$/.test(key) ? `shift+${key}` : key);

/**
 * @param {string} key
 * @param {PlayerCommands} commands
 */
function run(key, commands) {
  if (/^[0-9]$/.test(key)) {
    commands.seekToShare(Number(key) / 10);
    return true;
  }
  const binding = BINDINGS.find(({ keys }) => keys.includes(key.toLowerCase()));
  binding?.run(commands);
  return binding !== undefined;
}
