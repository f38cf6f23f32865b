// Which chapters can be skipped, by what they are called and where they lie.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chapterMarkers } from '#domain/markers/chapter-markers.ts';
import { meaningOf } from '#domain/markers/chapter-words.ts';
import { type Marker, mergedMarkers } from '#domain/markers/marker.ts';

test('chapter words: an intro, a recap and credits are known in many languages, with numbers and signs around them', () => {
  const names = {
    intro:
      'Intro|INTRO|Opening|OP|OP 2|[OP1a]|Opening Credits|Chapter 01: Opening|Chapter 2 - Title Sequence|Vorspann|Générique de début|Sigla iniziale|Introducción|Cabecera|Abertura|Förtexter|Czołówka|Úvodní titulky|Заставка|Опенинг|オープニング|片头曲|오프닝|Açılış Jeneriği|Kapitel 1: Vorspann',
    recap:
      'Recap|Previously|Previously on…|Previously on The Show|Was bisher geschah|Rückblick|Précédemment|Résumé|Riassunto|Anteriormente|Wat voorafging|В предыдущих сериях|あらすじ|前情提要|지난 이야기',
    credits:
      'Credits|End Credits|Ending|ED|ED3|Outro|Abspann|Nachspann|Générique de fin|Titoli di coda|Créditos finales|Créditos finais|Aftiteling|Eftertexter|Napisy końcowe|Závěrečné titulky|Титры|エンディング|片尾曲|엔딩|Chapter 7. End Titles',
    either: 'Générique|Sigla|Titles',
  };
  for (const [meaning, list] of Object.entries(names)) for (const name of list.split('|')) assert.equal(meaningOf(name), meaning, name);
  for (const name of [
    '',
    'Chapter 1',
    'Kapitel 12',
    '01',
    'Part A',
    'The Opening of the Gate',
    'Edward',
    'Operation',
    'Credit where it is due',
    'Episode',
    '1:02:03',
    'A recap of sorts',
    'The End of the Road',
  ])
    assert.equal(meaningOf(name), null, name);
});

const chapter = (title: string | null, startS: number, endS: number) => ({ title, startMs: startS * 1000, endMs: endS * 1000 });
const found = (chapters: Parameters<typeof chapterMarkers>[0], durationS = 1_400) =>
  chapterMarkers(chapters, durationS * 1000).map(({ kind, startMs, endMs }) => `${kind} ${startMs / 1000}-${endMs / 1000}`);

test('chapter markers: what they are called counts together with where they lie and how long they last', () => {
  assert.deepEqual(
    found([
      chapter('Recap', 0, 60),
      chapter('Opening', 60, 150),
      chapter('Part A', 150, 700),
      chapter('Part B', 700, 1_300),
      chapter('Ending', 1_300, 1_390),
    ]),
    ['recap 0-60', 'intro 60-150', 'credits 1300-1390'],
  );
  assert.deepEqual(found([chapter('Générique', 0, 60), chapter('Générique', 1_300, 1_400)]), ['intro 0-60', 'credits 1300-1400']);
  assert.deepEqual(found([chapter('Credits', 30, 90)]), ['intro 30-90'], 'credits at the beginning are those of the opening');
  assert.deepEqual(found([chapter('Opening', 0, 400)]), [], 'a part of the film');
  assert.deepEqual(found([chapter('Intro', 0, 2)]), [], 'a mark');
  assert.deepEqual(found([chapter('Recap', 1_300, 1_390), chapter('Opening', 1_100, 1_190)]), [], 'neither comes at the end');
  assert.deepEqual(
    found([chapter('Intro', 0, 0), chapter(null, 80, 1_300), chapter('Credits', 1_300, 1_300)]),
    ['intro 0-80', 'credits 1300-1400'],
    'ends that are not told',
  );
  assert.deepEqual(found([chapter('Credits', 1_350, 1_500)]), ['credits 1350-1400'], 'never beyond the end');
});

test('markers: what chapters tell goes before what was heard, and the rest of what was heard is added', () => {
  const marker = (kind: Marker['kind'], startMs: number, endMs: number, source: Marker['source']): Marker => ({
    kind,
    startMs,
    endMs,
    source,
    confidence: 0.9,
  });
  const told = marker('intro', 10, 20, 'chapters');
  const credits = marker('credits', 90, 99, 'fingerprint');
  assert.deepEqual(mergedMarkers([told], [marker('intro', 12, 22, 'fingerprint'), credits]), [told, credits]);
  assert.deepEqual(mergedMarkers([marker('recap', 0, 30, 'chapters')], [marker('intro', 10, 40, 'fingerprint')]).length, 1);
  assert.deepEqual(mergedMarkers([], [credits]), [credits]);
});
