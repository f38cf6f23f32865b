// What chapters are called that are an intro, a recap or credits, in the languages that people name them in. Lower case, without accents and signs.
import type { MarkerKind } from './marker.ts';

/** `either`: an intro in the first half of a film, credits in the second. */
export type ChapterMeaning = MarkerKind | 'either';

const WORDS: Readonly<Record<ChapterMeaning, string>> = {
  intro: `
    intro|introduction|op|ncop|opening|opening credits|opening titles|opening theme|opening song|opening sequence|opening title sequence
    |title sequence|title card|titlecard|main title|main titles|theme song|theme|intro credits|intro sequence|start credits
    |vorspann|titelmelodie|titelsequenz|eroffnung|anfangstitel
    |generique de debut|generique d ouverture|generique debut|ouverture|credits de debut
    |sigla iniziale|sigla di apertura|titoli di testa|apertura
    |introduccion|cabecera|creditos iniciales|creditos de apertura|secuencia de apertura|tema de apertura
    |abertura|creditos de abertura|creditos iniciais|vinheta|vinheta de abertura|introducao
    |openingstitels|begintitels|begingeneriek|leader|intromuziek
    |fortexter|vinjett|inledning|apningstekster|apning|fortekster|vignet|vignett|alkutekstit|alkutunnus
    |czolowka|napisy poczatkowe|uvodni titulky|znelka|uvodne titulky|uvodna zvucka|focim|nyito|generic de inceput
    |jenerik baslangic|acilis|acilis jenerigi|giris|giris jenerigi|τιτλοι αρχης|εισαγωγη
    |заставка|опенинг|начальные титры|вступительные титры|вступление|вступна заставка|опенінг|початкові титри|надпис начални
    |オープニング|オープニングテーマ|主題歌|op曲|アバンタイトル|片头|片頭|片头曲|片頭曲|오프닝|오프닝 테마|인트로|เพลงเปิด|nhac mo dau|פתיח|شارة البداية|مقدمة`,
  recap: `
    recap|previously|previously on|last time|last time on|last episode|story so far|the story so far|summary
    |ruckblick|was bisher geschah|bisher|zuletzt|zuvor|das geschah bisher|zusammenfassung
    |precedemment|resume|dans l episode precedent|dans les episodes precedents|riassunto|nelle puntate precedenti|negli episodi precedenti
    |resumen|anteriormente|previamente|en episodios anteriores|en el episodio anterior|no episodio anterior|nos episodios anteriores|resumo
    |wat voorafging|eerder|samenvatting|tidigare|tidigare i|sammanfattning|tidligere|tidligere i|aiemmin|aikaisemmin
    |poprzednio|w poprzednich odcinkach|w poprzednim odcinku|streszczenie|minule|dosud|v minulem dile|az az elozo reszek tartalmabol|az elozo reszek tartalmabol|anterior
    |onceki bolumde|onceki bolumlerde|ozet|в предыдущих сериях|в предыдущей серии|ранее|ранее в сериале|раніше|у попередніх серіях|στα προηγουμενα
    |あらすじ|前回|前回のあらすじ|これまでのあらすじ|前情提要|前情回顾|前情回顧|上集回顾|上集回顧|지난 이야기|지난 줄거리|בפרקים הקודמים|في الحلقات السابقة`,
  credits: `
    credits|end credits|ending credits|closing credits|end credit|ending|ed|nced|ending theme|ending song|closing|closing titles|closing theme
    |end titles|end title|outro|end|credit roll|final credits|credits roll|endcredits|staff roll
    |abspann|nachspann|schlusstitel|schluss|ende|endtitel
    |generique de fin|generique fin|credits de fin|fin|titoli di coda|sigla finale|sigla di chiusura|chiusura
    |creditos|creditos finales|creditos de cierre|cierre|tema de cierre|creditos finais|encerramento|fim|creditos de encerramento
    |aftiteling|eindgeneriek|eindtitels|aftitels|eftertexter|sluttexter|rulletekster|sluttekster|slutttekster|lopputekstit|lopputunnus
    |napisy koncowe|tylowka|zaverecne titulky|titulky|stablista|vegefocim|zaro|zarofocim|generic final
    |kapanis|kapanis jenerigi|bitis|bitis jenerigi|τιτλοι τελους|титры|эндинг|финальные титры|конечные титры|конец|титри|ендінг|надписи
    |エンディング|エンディングテーマ|ed曲|エンドロール|スタッフロール|片尾|片尾曲|片尾字幕|エンドクレジット|엔딩|엔딩 테마|엔딩 크레딧|아웃트로|크레딧|เพลงปิด|nhac ket|כתוביות סיום|شارة النهاية`,
  either: 'generique|sigla|titles|title|titel|jenerik|titoli|titulos|generiek|titre|credits music|generic|tunnus|rotulos',
};

const MEANINGS: ReadonlyMap<string, ChapterMeaning> = new Map(
  (Object.entries(WORDS) as [ChapterMeaning, string][]).flatMap(([meaning, words]) =>
    words.split('|').flatMap(word => {
      const name = plainName(word);
      return name === '' ? [] : [[name, meaning] as const];
    }),
  ),
);

/** `Chapter 01: Opening`, `OP 2`, `[ED1a]`, `Previously on The Show`. Null: a part of the film as any. */
export function meaningOf(title: string): ChapterMeaning | null {
  const name = plainName(title);
  const known = MEANINGS.get(name) ?? MEANINGS.get(withoutNumbers(name));
  if (known !== undefined) return known;
  return /^(previously on|last time on|tidigare i|tidligere i|zuletzt bei|bisher bei|precedemment dans|anteriormente en|anteriormente em|ранее в) /.test(
    name,
  )
    ? 'recap'
    : null;
}

/** Of chapters that are counted: in front the word for one and its number, behind the number of the song. */
function withoutNumbers(name: string): string {
  return name
    .replace(/^(?:chapter|chap|ch|kapitel|chapitre|capitulo|capitolo|hoofdstuk|rozdzial|kapitola|глава|part)? *\d+ +/, '')
    .replace(/(?: *\d+[a-z]?(?: *v\d)?| (?:a|b|i|ii|iii))$/, '');
}

function plainName(title: string): string {
  return title
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .normalize('NFC')
    .toLowerCase()
    .replaceAll('ł', 'l')
    .replaceAll('ø', 'o')
    .replaceAll('ß', 'ss')
    .replaceAll('ı', 'i')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
