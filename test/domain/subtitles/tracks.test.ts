// The subtitle tracks of a film as menus and playlists name them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sidecar, SubtitleStream } from '#domain/media.ts';
import { languageFromWord, languageTag } from '#domain/subtitles/language.ts';
import { offerSubtitles } from '#domain/subtitles/offer.ts';
import { subtitleTracks } from '#domain/subtitles/tracks.ts';
import { aTitle } from '../../support/titles.ts';

const stream = (changes: Partial<SubtitleStream>): SubtitleStream => ({
  index: 2,
  codec: 'subrip',
  language: null,
  title: null,
  isDefault: false,
  kind: 'text',
  isForced: false,
  isHearingImpaired: false,
  ...changes,
});
const sidecar: Sidecar = {
  path: '/films/one.en.srt',
  byteLength: 10,
  mtimeMs: 1,
  format: 'srt',
  language: 'en',
  title: null,
  isDefault: false,
  isForced: false,
  isHearingImpaired: false,
};
const film = (subtitles: readonly SubtitleStream[], sidecars: readonly Sidecar[] = []) => {
  const media = aTitle({ sidecars });
  return { ...media, streams: { ...media.streams, subtitles } };
};

test('languages: whatever a file says becomes BCP 47, or nothing', () => {
  const tags = ['eng', 'ger', 'deu', 'fre', 'chi', 'pt-br', 'EN', 'und', 'zxx', 'xq', 'english', '', 'en"', null].map(languageTag);
  assert.deepEqual(tags, ['en', 'de', 'de', 'fr', 'zh', 'pt-BR', 'en', null, null, null, null, null, null, null]);
  assert.deepEqual(['English', 'GERMAN', 'deu', 'Klingonese'].map(languageFromWord), ['en', 'de', 'de', null]);
  assert.deepEqual(['Deutsch', 'Français', 'русский', '日本語', 'Latino', 'chs'].map(languageFromWord), [
    'de',
    'fr',
    'ru',
    'ja',
    'es-419',
    'zh-Hans',
  ]);
});

test('subtitles: names tell tracks apart, and marks are said once', () => {
  const tracks = subtitleTracks(
    film([
      stream({ language: 'eng' }),
      stream({ language: 'eng', isForced: true }),
      stream({ language: 'eng', title: 'English SDH' }),
      stream({ title: 'Signs' }),
      stream({}),
      stream({ language: 'eng' }),
    ]),
  );
  assert.deepEqual(
    tracks.map(({ name, language }) => [name, language]),
    [
      ['English', 'en'],
      ['English (forced)', 'en'],
      ['English SDH', 'en'],
      ['Signs', null],
      ['Subtitles 5', null],
      ['English 2', 'en'],
    ],
  );
  assert.equal(tracks[2]?.isHearingImpaired, true);
});

test('subtitles: what can not be delivered is not offered, and the others keep their numbers', () => {
  const media = film(
    [stream({ codec: 'dvb_subtitle', kind: 'image' }), stream({ index: 3 }), stream({ codec: 'dvb_teletext' })],
    [sidecar],
  );
  const { subtitles, subtitleTrack } = offerSubtitles(media, 3);
  assert.deepEqual(
    subtitles.map(({ track, streamIndex, sidecar }) => [track, streamIndex, sidecar?.path ?? null]),
    [
      [1, 3, null],
      [3, null, sidecar.path],
    ],
  );
  assert.equal(subtitleTrack, 3);
  for (const track of [0, 2, 4]) assert.throws(() => offerSubtitles(media, track), { code: 'INVALID_REQUEST' });
});

test('subtitles: pictures that players draw are offered apart from text, which playlists name', () => {
  const media = film([stream({ index: 2 }), stream({ index: 3, codec: 'hdmv_pgs_subtitle', kind: 'image' })]);
  const { subtitles, drawnSubtitles, subtitleTrack } = offerSubtitles(media, 1);
  assert.deepEqual(
    [subtitles.map(({ track }) => track), drawnSubtitles?.map(({ streamIndex }) => streamIndex), subtitleTrack],
    [[0], [3], 1],
  );
});

test('subtitles: teletext is offered where it can be read, and where its pages are of one language', () => {
  const media = film([stream({ codec: 'dvb_teletext', language: 'ger' }), stream({ codec: 'dvb_teletext', language: 'ger,fre' })]);
  const forms = (readable?: { teletext: boolean }) => subtitleTracks(media, readable).map(({ form }) => form);
  assert.deepEqual(
    [forms(), forms({ teletext: false }), forms({ teletext: true })],
    [
      [null, null],
      [null, null],
      ['text', null],
    ],
  );
  assert.deepEqual(
    offerSubtitles(media, null, { teletext: true }).subtitles.map(({ track }) => track),
    [0],
  );
  assert.throws(() => offerSubtitles(media, 0), { code: 'INVALID_REQUEST' });
});
