// What comes with a film and is none: told by folders, whole names and ends of names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExtraKind } from '#domain/catalogue/name-facts.ts';
import { isSample, nameFacts } from '#library/naming/name-facts.ts';

const EXTRAS: readonly (readonly [path: string, extra: ExtraKind | null, title?: string])[] = [
  ['Night Ferry (2011)/Night Ferry (2011)-trailer.mkv', 'trailer', 'Night Ferry'],
  ['Night Ferry (2011)/Night Ferry (2011) -trailer.mkv', 'trailer', 'Night Ferry'],
  ['Night Ferry (2011)-trailer.mkv', 'trailer', 'Night Ferry'],
  ['Night Ferry.trailer.mkv', 'trailer', 'Night Ferry'],
  ['Night Ferry_trailer.mkv', 'trailer', 'Night Ferry'],
  ['Night Ferry-trailer2.mkv', 'trailer', 'Night Ferry'],
  ['Night Ferry-teaser.mkv', 'trailer', 'Night Ferry'],
  ['Night Ferry (2011)/trailer.mkv', 'trailer'],
  ['Night Ferry (2011)/Trailers/Teaser 1.mkv', 'trailer', 'Teaser 1'],
  ['Night Ferry-sample.mkv', 'sample', 'Night Ferry'],
  ['Night.Ferry.2011.1080p.x264-GRP.sample.mkv', 'sample', 'Night Ferry'],
  ['sample-night.ferry.2011.mkv', 'sample', 'Night Ferry'],
  ['Night Ferry (2011)/Sample/grp-nf.mkv', 'sample'],
  ['sample.mkv', 'sample'],
  ['Night Ferry-scene.mkv', 'scene', 'Night Ferry'],
  ['Night Ferry-clip.mkv', 'clip', 'Night Ferry'],
  ['Night Ferry-deleted.mkv', 'deleted-scene', 'Night Ferry'],
  ['Night Ferry-deletedscene.mkv', 'deleted-scene', 'Night Ferry'],
  ['Night Ferry/Deleted Scenes/On the Bridge.mkv', 'deleted-scene', 'On the Bridge'],
  ['Night Ferry-interview.mkv', 'interview', 'Night Ferry'],
  ['Night Ferry/Interviews/The Captain.mkv', 'interview', 'The Captain'],
  ['Night Ferry-behindthescenes.mkv', 'behind-the-scenes', 'Night Ferry'],
  ['Night Ferry/Behind The Scenes/Day One.mkv', 'behind-the-scenes', 'Day One'],
  ['Night Ferry-featurette.mkv', 'featurette', 'Night Ferry'],
  ['Night Ferry/Featurettes/Ships.mkv', 'featurette', 'Ships'],
  ['Night Ferry-short.mkv', 'short', 'Night Ferry'],
  ['Night Ferry/shorts/Dinghy.mkv', 'short', 'Dinghy'],
  ['Night Ferry/theme-music/tune.mp3', 'theme-song'],
  ['Night Ferry/theme.mp3', 'theme-song'],
  ['Night Ferry/backdrops/waves.mkv', 'theme-video', 'Waves'],
  ['Night Ferry-extra.mkv', 'other', 'Night Ferry'],
  ['Night Ferry/Extras/Gag Reel.mkv', 'other', 'Gag Reel'],
  ['Night Ferry/Extras/Disc 2/Gag Reel.mkv', 'other', 'Gag Reel'],
  ['Night Ferry/other/Gag Reel.mkv', 'other', 'Gag Reel'],
  ['The Trailer (2011).mkv', null, 'The Trailer'],
  ['The Ferry Sample.mkv', null, 'The Ferry Sample'],
  ['The Big Short/ferry.mkv', null],
  ['not a scene/ferry.mkv', null],
  ['Night trailerpark.mkv', null],
  ['Night Ferry/trailer.mp3', null],
  ['Shorts/Night Ferry (2011)/Night Ferry.mkv', null, 'Night Ferry'],
];
for (const [path, extra, title] of EXTRAS) {
  test(`naming: ${path} is ${extra ?? 'no extra'}`, () => {
    const told = nameFacts(path, 'movies');
    assert.equal(told.extra, extra);
    if (title !== undefined) assert.equal(told.title, title);
  });
}

test('naming: extras of a show and of its seasons', () => {
  assert.equal(nameFacts('Harbour Lights/Extras/Gag Reel.mkv', 'shows').extra, 'other');
  assert.equal(nameFacts('Harbour Lights/Season 1/Featurettes/Ships.mkv', 'shows').extra, 'featurette');
  assert.equal(nameFacts('Harbour Lights/Season 1/Harbour Lights S01E01-trailer.mkv', 'shows').extra, 'trailer');
  assert.equal(nameFacts('Harbour.Lights.S03.Extras.Deleted.Scenes.720p.mkv', 'shows').extra, 'other');
  assert.equal(nameFacts('Harbour Lights/Season 1/Harbour Lights - S01E05 - Interview.mkv', 'shows').extra, null);
});

test('naming: a sample is known by its name and by its folder', () => {
  for (const name of ['Night Ferry-sample.mkv', 'sample.mkv', 'Night Ferry/Sample/nf.mkv', 'Show/S01E01/sample-show.s01e01.mkv']) {
    assert.ok(isSample(name), name);
  }
  for (const name of ['Night Ferry.mkv', 'The DNA Sample.mkv', 'Night Ferry-trailer.mkv']) assert.ok(!isSample(name), name);
});
