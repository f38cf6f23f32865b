// What the quality, audio and subtitle menus offer: from the stream where it can switch by itself, else a new session.
import { formatBitrate, formatChannels, formatCodec, formatLanguage, formatRung } from '../format.js';

/** @typedef {import('../menu.js').MenuItem} MenuItem */
/** @typedef {import('../playback/playback.js').Playback} Playback */

/** @param {Playback} playback @returns {MenuItem[]} */
export function qualityItems(playback) {
  const { info, delivery } = playback;
  if (info === null || delivery === null) return [];
  const isDirect = info.delivery === 'direct';
  const { levels } = delivery;
  const items = [];
  if (playback.canPlayOriginal) {
    const act = () => playback.choose({ delivery: 'auto', rung: null });
    items.push({ label: 'Original', note: 'the file as it is', isChosen: isDirect, act: isDirect ? () => undefined : act });
  }
  if (!isDirect && levels.length > 0) {
    items.push({ label: 'Auto', note: 'by bandwidth', isChosen: delivery.isAutoLevel, act: () => delivery.selectLevel(-1) });
    // The file itself is the better one of two originals.
    const listed = levels.filter(({ rung }) => !playback.canPlayOriginal || rung !== 'original');
    for (const level of listed.sort((one, other) => other.bandwidthBps - one.bandwidthBps)) {
      const isChosen = !delivery.isAutoLevel && level.id === delivery.level;
      items.push({
        label: formatRung(level.rung),
        note: formatBitrate(level.bandwidthBps),
        isChosen,
        act: () => delivery.selectLevel(level.id),
      });
    }
  }
  if (info.delivery !== 'transcode') {
    // What the stream itself does not list is had by a session of its own.
    const encoded = info.ladder.filter(({ rung }) => rung !== 'original' && !levels.some(level => level.rung === rung));
    for (const { rung, bandwidthBps } of encoded.sort((one, other) => other.bandwidthBps - one.bandwidthBps)) {
      items.push({
        label: formatRung(rung),
        note: formatBitrate(bandwidthBps),
        isChosen: false,
        act: () => playback.choose({ delivery: 'transcode', rung }),
      });
    }
  }
  return items;
}

/** @param {Playback} playback */
export function qualityLabel(playback) {
  const { info, delivery } = playback;
  if (info === null || delivery === null) return '';
  if (info.delivery === 'direct') return 'Original';
  const level = delivery.levels.find(candidate => candidate.id === delivery.level);
  const name = level === undefined ? '' : formatRung(level.rung);
  if (!delivery.isAutoLevel) return name;
  return name === '' ? 'Auto' : `Auto ${name}`;
}

/** @param {Playback} playback @returns {MenuItem[]} */
export function audioItems(playback) {
  const { info, delivery, wanted } = playback;
  if (info === null || delivery === null) return [];
  if (delivery.audioTracks.length > 1) {
    return delivery.audioTracks.map(({ id, label }) => ({
      label,
      isChosen: id === delivery.audioTrack,
      act: () => {
        delivery.audioTrack = id;
      },
    }));
  }
  const chosen =
    wanted.audioTrack ??
    Math.max(
      0,
      info.tracks.audio.findIndex(track => track.isDefault),
    );
  return info.tracks.audio.map((track, index) => ({
    label: audioName(track, index),
    note: audioNote(track),
    isChosen: index === chosen,
    act: () => playback.choose({ audioTrack: index }),
  }));
}

/** @param {Playback} playback @returns {MenuItem[]} "Off" first; only that when there are none */
export function subtitleItems({ subtitles }) {
  const off = { label: 'Off', isChosen: subtitles.chosen === null, act: () => subtitles.choose(null) };
  const tracks = subtitles.choices.map(track => {
    const isChosen = track.track === subtitles.chosen?.track;
    return {
      label: track.name,
      ...(isChosen && subtitles.isFailed ? { note: 'can not be loaded' } : {}),
      isChosen,
      act: () => subtitles.choose(track),
    };
  });
  return [off, ...tracks];
}

/** @param {{ title?: string | null, language?: string | null }} track @param {number} index */
export const audioName = (track, index) => track.title || formatLanguage(track.language) || `Track ${index + 1}`;

/** @param {{ codec?: string, channels?: number }} track */
export const audioNote = track =>
  [track.codec ? formatCodec(track.codec) : '', track.channels ? formatChannels(track.channels) : ''].filter(Boolean).join(' ');
