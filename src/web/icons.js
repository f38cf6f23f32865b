// The player's and the pages' icons as SVG elements: drawn here, so that nothing is loaded from elsewhere.

const SVG = 'http://www.w3.org/2000/svg';

/** Path data on a 24 × 24 grid; a leading `!` means stroked, not filled. */
const PATHS = {
  play: 'M8 5.2v13.6c0 .8.9 1.3 1.5.8l10-6.8c.6-.4.6-1.2 0-1.6l-10-6.8c-.6-.5-1.5 0-1.5.8z',
  pause: 'M7 5h3.4v14H7zM13.6 5H17v14h-3.4z',
  replay: '!M4.5 12a7.5 7.5 0 1 0 2.4-5.5M7.4 2.8 6.6 6.9l4.1.7',
  back10: '!M5 12.6a7 7 0 1 0 2.3-5.2M7.8 3.6 7.1 7.6l4 .6',
  forward10: '!M19 12.6a7 7 0 1 1-2.3-5.2M16.2 3.6l.7 4-4 .6',
  volume: '!M4 9.6v4.8h3.2L12 18.6V5.4L7.2 9.6zM15.4 9a4.2 4.2 0 0 1 0 6M17.9 6.4a8 8 0 0 1 0 11.2',
  volumeLow: '!M4 9.6v4.8h3.2L12 18.6V5.4L7.2 9.6zM15.4 9a4.2 4.2 0 0 1 0 6',
  muted: '!M4 9.6v4.8h3.2L12 18.6V5.4L7.2 9.6zM16 9.5l5 5M21 9.5l-5 5',
  fullscreen: '!M4.5 9V4.5H9M15 4.5h4.5V9M19.5 15v4.5H15M9 19.5H4.5V15',
  exitFullscreen: '!M9 4.5V9H4.5M19.5 9H15V4.5M15 19.5V15h4.5M4.5 15H9v4.5',
  pip: '!M4 5.5h16v13H4zM12 12h5.5v4H12z',
  quality: '!M4 7h9M17 7h3M4 12h3M11 12h9M4 17h7M15 17h5M15 5v4M9 10v4M13 15v4',
  subtitles: '!M4 5.5h16v13H4zM7 11h4M13.5 11H17M7 14.5h6.5M16 14.5h1',
  audio: '!M5 10v4M8.5 7v10M12 4.5v15M15.5 8v8M19 10.5v3',
  more: 'M12 5.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6zm0 5a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6zm0 5a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6z',
  back: '!M14.5 5.5 8 12l6.5 6.5',
  search: '!M10.8 4.5a6.3 6.3 0 1 1 0 12.6 6.3 6.3 0 0 1 0-12.6zM15.5 15.5l4.5 4.5',
  chapters: '!M4.5 6h2M10 6h9.5M4.5 12h2M10 12h9.5M4.5 18h2M10 18h9.5',
  check: '!M5 12.5 10 17.5 19.5 7',
  folder: '!M3.5 6.5h6l2 2.5h9v9.5h-17z',
  close: '!M6 6l12 12M18 6 6 18',
  film: '!M4.5 5.5h15v13h-15zM8.5 5.5v13M15.5 5.5v13M4.5 9.8h4M4.5 14.2h4M15.5 9.8h4M15.5 14.2h4',
  shows: '!M4 7.5h16v11H4zM8.5 3.5l3.5 4 3.5-4',
  person: '!M12 4.5a3.8 3.8 0 1 1 0 7.6 3.8 3.8 0 0 1 0-7.6zM4.8 20c.7-3.8 3.6-5.6 7.2-5.6s6.5 1.8 7.2 5.6',
  next: 'M6 5.6v12.8c0 .8.9 1.2 1.5.7l8-6.3c.5-.4.5-1.2 0-1.6l-8-6.3c-.6-.5-1.5-.1-1.5.7zM17 5h2v14h-2z',
  edit: '!M5 19l.8-3.6L16.2 5l2.8 2.8L8.6 18.2zM14 7.2l2.8 2.8',
};

/** @typedef {keyof typeof PATHS} IconName */

/** @param {IconName} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  const data = PATHS[name];
  svg.setAttribute('class', data.startsWith('!') ? 'icon icon-line' : 'icon');
  path.setAttribute('d', data.replace('!', ''));
  svg.append(path);
  if (name === 'back10' || name === 'forward10') svg.append(tenInside());
  return svg;
}

/** How many seconds the arrow skips. */
function tenInside() {
  const text = document.createElementNS(SVG, 'text');
  text.setAttribute('x', '12');
  text.setAttribute('y', '15.3');
  text.textContent = '10';
  return text;
}
