// The set-ups of the matrix: which player, where it comes from, what it is told and what it can not do.
import { existsSync } from 'node:fs';
import { startChromium } from './browsers/chromium.ts';
import type { Engine } from './browsers/page-player.ts';
import { startFfmpeg } from './native/ffmpeg.ts';
import type { Client, Delivery, Step } from './player.ts';

const CHROMIUMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const ENGINE_LABELS: Readonly<Record<Engine, string>> = { native: 'its own HLS', hls: 'hls.js', shaka: 'Shaka' };

/** What programs of their own play: everything that the films are made of. */
const EVERYTHING = {
  client: {
    profile: 'generic',
    capabilities: { containers: ['mp4', 'matroska'], videoCodecs: ['h264', 'hevc'], audioCodecs: ['aac', 'ac3'], hls: 'native' },
  },
};

const noHevc = (film: string, delivery: Delivery): string | null =>
  film === 'mkv' && delivery !== 'transcode' ? 'plays neither Matroska nor HEVC and AC-3 here: its transcode stands for the film' : null;

/** A page cannot choose among the sounds of a file, so an app plays it as a remux. */
const pageCannot = (step: Step, delivery: Delivery): string | null => {
  if (step === 'audio' && delivery === 'direct') return 'a page cannot choose among the sounds of a file: an app goes on with a remux';
  if (step === 'abr' && delivery === 'direct') return 'a file has one rung';
  return null;
};

const chromiumWith = (engine: Engine): Client => ({
  name: `chromium-${engine}`,
  label: `Chromium, ${ENGINE_LABELS[engine]}`,
  needs: ['chromium'],
  client: { client: { profile: 'web-chrome' } },
  refuses: noHevc,
  cannot: pageCannot,
  start: origin => {
    const path = CHROMIUMS.find(existsSync);
    if (!path) throw new Error('no Chromium here: apt-get install chromium');
    return startChromium(origin, engine, path);
  },
});

export const CLIENTS: readonly Client[] = [
  chromiumWith('hls'),
  chromiumWith('shaka'),
  chromiumWith('native'),
  {
    name: 'ffmpeg',
    label: 'ffmpeg',
    needs: ['ffmpeg'],
    client: EVERYTHING,
    refuses: () => null,
    cannot: step => {
      if (step === 'abr') return 'reads one rung from beginning to end';
      if (step === 'pause') return 'has no pause';
      return null;
    },
    start: startFfmpeg,
  },
];
