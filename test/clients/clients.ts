// The set-ups of the matrix: which player, where it comes from, what it is told and what it can not do.
import { existsSync } from 'node:fs';
import { startChromium } from './browsers/chromium.ts';
import { startFirefox } from './browsers/firefox.ts';
import type { Engine } from './browsers/page-player.ts';
import { startWebkit } from './browsers/webkit.ts';
import { startFfmpeg } from './native/ffmpeg.ts';
import { startMpv } from './native/mpv.ts';
import { startScript } from './native/script-player.ts';
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

/** Chromium's own HLS is young. */
const chromiumCannot = (engine: Engine) => (step: Step, delivery: Delivery) =>
  engine === 'native' && step === 'subtitles' && delivery !== 'direct'
    ? 'Chromium’s own HLS passes over subtitles'
    : pageCannot(step, delivery);

const chromiumWith = (engine: Engine): Client => ({
  name: `chromium-${engine}`,
  label: `Chromium, ${ENGINE_LABELS[engine]}`,
  needs: ['chromium'],
  client: { client: { profile: 'web-chrome' } },
  refuses: noHevc,
  cannot: chromiumCannot(engine),
  start: origin => {
    const path = CHROMIUMS.find(existsSync);
    if (!path) throw new Error('no Chromium here: apt-get install chromium');
    return startChromium(origin, engine, path);
  },
});

const firefoxWith = (engine: Engine): Client => ({
  name: `firefox-${engine}`,
  label: `Firefox ESR, ${ENGINE_LABELS[engine]}`,
  needs: ['firefox-esr', 'pulseaudio'],
  client: { client: { profile: 'web-firefox' } },
  refuses: noHevc,
  cannot: pageCannot,
  start: origin => startFirefox(origin, engine),
});

const webkitWith = (engine: Engine): Client => ({
  name: `webkit-${engine}`,
  label: `WebKitGTK, ${ENGINE_LABELS[engine]}`,
  needs: ['webkit2gtk-driver', 'xvfb', 'pulseaudio'],
  client: { client: { profile: engine === 'native' ? 'safari-macos' : 'web-safari' } },
  refuses: (film, delivery) => (film === 'mkv' && delivery === 'direct' ? 'Safari plays no Matroska: its remux stands for the film' : null),
  // It hands its sound to a graph a second late and does not seek any more: it plays past us, and only its pictures are looked at.
  cannot: (step, delivery) =>
    step === 'audio'
      ? 'its sound cannot be read without disturbing it (a graph gets it a second late, and seeks no longer end)'
      : pageCannot(step, delivery),
  start: origin => startWebkit(origin, engine),
});

export const CLIENTS: readonly Client[] = [
  chromiumWith('hls'),
  chromiumWith('shaka'),
  chromiumWith('native'),
  firefoxWith('hls'),
  firefoxWith('shaka'),
  webkitWith('native'),
  webkitWith('hls'),
  {
    name: 'gstreamer',
    label: 'GStreamer (playbin3)',
    needs: ['gstreamer1.0-plugins-*', 'gstreamer1.0-libav', 'python3-gi'],
    client: EVERYTHING,
    refuses: () => null,
    cannot: (step, delivery) => (step === 'abr' && delivery === 'direct' ? 'a file has one rung' : null),
    start: () => startScript('gstreamer-player.py'),
  },
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
  {
    name: 'mpv',
    label: 'mpv',
    needs: ['mpv'],
    client: EVERYTHING,
    refuses: () => null,
    cannot: step => (step === 'abr' ? 'keeps the rung that it began with' : null),
    start: startMpv,
  },
  {
    name: 'vlc',
    label: 'VLC (libvlc)',
    needs: ['vlc-bin', 'vlc-plugin-base'],
    client: EVERYTHING,
    refuses: () => null,
    cannot: (step, delivery) => {
      if (step === 'subtitles') return 'draws them into its pictures, where no program reads them';
      return step === 'abr' && delivery === 'direct' ? 'a file has one rung' : null;
    },
    // In a playlist its clock steps with what it reads; the sound is held against the picture.
    slackS: 0.5,
    start: () => startScript('vlc-player.py'),
  },
];
