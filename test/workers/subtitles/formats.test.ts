// Subtitle files of every kind, well made and not: what is shown, when, and that nothing of a file becomes a tag.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAss } from '#workers/subtitles/ass.ts';
import { MAX_CUES } from '#workers/subtitles/cue.ts';
import { parseSubtitles } from '#workers/subtitles/formats.ts';
import { seededRandom } from '../../support/titles.ts';

const FILM = { num: 25, den: 1 };
type Row = readonly [
  what: string,
  file: string,
  cues: readonly (readonly [startMs: number, endMs: number, text: string, settings?: string])[],
];

const ASS = (events: string, styles = ''): string =>
  `[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, PrimaryColour, Bold, Italic, Underline, Alignment\n${styles}\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n${events}\n`;
const line = (text: string, style = 'Default'): string => `Dialogue: 0,0:00:01.00,0:00:02.50,${style},,0,0,0,,${text}`;
const TT = (body: string, head = ''): string =>
  `<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling"${head}<body><div>${body}</div></body></tt>`;

const ROWS: readonly Row[] = [
  [
    'SRT',
    '1\n00:00:01,000 --> 00:00:02,500\nHello\nthere\n\n2\n01:00:00,000 --> 01:00:01,001\nlater\n',
    [
      [1000, 2500, 'Hello\nthere'],
      [3_600_000, 3_601_001, 'later'],
    ],
  ],
  ['SRT with CR LF, no last line end', '1\r\n00:00:01,000 --> 00:00:02,000\r\nHello', [[1000, 2000, 'Hello']]],
  [
    'SRT without numbers or blank lines',
    '00:00:01,000 --> 00:00:02,000\none\n00:00:03,000 --> 00:00:04,000\ntwo',
    [
      [1000, 2000, 'one'],
      [3000, 4000, 'two'],
    ],
  ],
  [
    'SRT whose text is a number',
    '1\n00:00:01,000 --> 00:00:02,000\n42\n\n2\n00:00:03,000 --> 00:00:04,000\n7\n',
    [
      [1000, 2000, '42'],
      [3000, 4000, '7'],
    ],
  ],
  ['SRT written by hand', '1\n0:0:1.5 -> 0:0:2\nHello\n', [[1500, 2000, 'Hello']]],
  [
    'SRT out of order, and cues that end before they begin',
    '1\n00:00:05,000 --> 00:00:06,000\nb\n\n2\n00:00:01,000 --> 00:00:02,000\na\n\n3\n00:00:09,000 --> 00:00:08,000\nnever\n',
    [
      [1000, 2000, 'a'],
      [5000, 6000, 'b'],
    ],
  ],
  [
    'SRT tags',
    '1\n00:00:01,000 --> 00:00:02,000\n<i>a</i> <B>b</B> <font color="#ffee10">c</font> <font face="x">d</font>\n',
    [[1000, 2000, '<i>a</i> <b>b</b> <c.yellow>c</c> d']],
  ],
  [
    'SRT tags that never close, or cross',
    '1\n00:00:01,000 --> 00:00:02,000\n<i>a <b>b</i> c</b> d</u>\n',
    [[1000, 2000, '<i>a </i><i><b>b</b></i> c d']],
  ],
  ['SRT at the top', '1\n00:00:01,000 --> 00:00:02,000\n{\\an8}up\n', [[1000, 2000, 'up', 'line:0']]],
  [
    'SRT with script',
    '1\n00:00:01,000 --> 00:00:02,000\n<script>alert("x")</script><img src=x onerror=y> a --> b\n',
    [[1000, 2000, '&lt;script&gt;alert("x")&lt;/script&gt;&lt;img src=x onerror=y&gt; a --&gt; b']],
  ],
  ['SRT text with entities stays as it is', '1\n00:00:01,000 --> 00:00:02,000\nR&amp;B &lt;3\n', [[1000, 2000, 'R&amp;amp;B &amp;lt;3']]],
  [
    'WebVTT',
    'WEBVTT - x\nKind: captions\n\nNOTE no cue\n\nSTYLE\n::cue { color: red }\n\nid\n00:01.000 --> 00:02.000 align:start line:10% evil:1 position:5%,x\n<v Bob>R&amp;B <c.lime.bg_blue>x</c> <00:01.500>y\n',
    [[1000, 2000, 'R&amp;B <c.lime>x</c> y', 'align:start line:10%']],
  ],
  [
    'WebVTT entities that would be tags',
    'WEBVTT\n\n00:01.000 --> 00:02.000\n&lt;b&gt; &#60;i&#62; &#xd800; &nope;\n',
    [[1000, 2000, '&lt;b&gt; &lt;i&gt;  &amp;nope;']],
  ],
  ['ASS', ASS(line('{\\i1}a{\\i0}, b\\Nc\\hd')), [[1000, 2500, '<i>a</i>, b\nc\u00a0d']]],
  [
    'ASS styles and places',
    ASS(
      `${line('{\\an8}a', 'Big')}\n${line('{\\r}b{\\c&H0000FF&}c', 'Low')}`,
      'Style: Big,&H0000FFFF,-1,0,0,2\nStyle: Low,&H00FFFFFF,0,-1,0,7\n',
    ),
    [
      [1000, 2500, '<c.yellow><b>a</b></c>', 'line:0'],
      [1000, 2500, '<i>b</i><c.red><i>c</i></c>', 'line:0 align:start'],
    ],
  ],
  [
    'ASS drawings and comments',
    ASS(`${line('{\\p1}m 0 0 l 100 0{\\p0}')}\nComment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,no\n${line('{no override}x{open')}`),
    [[1000, 2500, 'x{open']],
  ],
  [
    'SSA numbers places otherwise',
    '[Script Info]\n[V4 Styles]\nFormat: Name, Alignment\nStyle: Top,6\n[Events]\nFormat: Marked, Start, End, Style, Text\nDialogue: Marked=0,0:00:01.00,0:00:02.00,Top,up\n',
    [[1000, 2000, 'up', 'line:0']],
  ],
  [
    'MicroDVD',
    '{25}{50}one|two\n{75}{}{y:i}three\n',
    [
      [1000, 2000, 'one\ntwo'],
      [3000, 7000, '<i>three</i>'],
    ],
  ],
  ['MicroDVD with a rate of its own', '{1}{1}23.976\n{24}{48}/a|b\n', [[1001, 2002, '<i>a</i>\nb']]],
  [
    'TTML',
    TT('<p begin="00:00:01.000" end="00:00:02.500">a<br/>b <span tts:fontStyle="italic">c &lt;d&gt;</span></p>', '>'),
    [[1000, 2500, 'a\nb <i>c &lt;d&gt;</i>']],
  ],
  [
    'TTML times',
    TT('<p begin="1s" dur="500ms">a</p><p begin="00:00:02:12" end="75f">b</p>', ' xmlns:ttp="x" ttp:frameRate="25">'),
    [
      [1000, 1500, 'a'],
      [2480, 3000, 'b'],
    ],
  ],
  [
    'TTML ticks, styles and regions',
    TT(
      '<p region="t" style="s" begin="10000000t" end="20000000t">a</p>',
      ' ttp:tickRate="10000000"><head><styling><style xml:id="s" tts:color="#ff0000ff"/></styling><layout><region xml:id="t"><style tts:displayAlign="before"/></region></layout></head>',
    ),
    [[1000, 2000, '<c.red>a</c>', 'line:0']],
  ],
  [
    'TTML entities of its own are no entities',
    '<?xml version="1.0"?><!DOCTYPE tt [<!ENTITY a "aaaa">]><tt><body><p begin="1s" end="2s">&a;x</p></body></tt>',
    [[1000, 2000, '&amp;a;x']],
  ],
  ['nothing', '', []],
  ['no subtitles at all', 'Dear reader,\n\nthis is a letter.\n', []],
];

for (const [what, file, cues] of ROWS) {
  test(`subtitle files: ${what}`, () => {
    const parsed = parseSubtitles(Buffer.from(file), FILM);
    assert.deepEqual(
      parsed.map(({ startMs, endMs, text, settings }) => [startMs, endMs, text, settings]),
      cues.map(([startMs, endMs, text, settings = '']) => [startMs, endMs, text, settings]),
    );
  });
}

/** Long enough for statistics. */
const WORDS: readonly (readonly [charset: string, hexOf: (text: string) => Buffer, text: string])[] = [
  ['UTF-8', text => Buffer.from(text), 'Grüße aus Köln'],
  ['UTF-8 with a mark', text => Buffer.from(`\ufeff${text}`), 'Grüße aus Köln'],
  ['UTF-16', text => Buffer.from(`\ufeff${text}`, 'utf16le'), 'Grüße aus Köln'],
  ['UTF-16 without a mark', text => Buffer.from(text, 'utf16le'), 'Grüße aus Köln'],
  ['UTF-16 the other way round', text => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(), 'Grüße aus Köln'],
  ['windows-1252', text => Buffer.from(text, 'latin1'), 'Grüße aus Köln, mein Herr. Können Sie mir sagen, wo die Straße ist?'],
  ['windows-1251', text => encodedIn('windows-1251', text), 'Привет, как дела? Я не знаю, что тебе сказать.'],
  ['Shift_JIS', text => encodedIn('shift_jis', text), 'こんにちは、お元気ですか。私は元気です。'],
  ['EUC-KR', text => encodedIn('euc-kr', text), '안녕하세요. 오늘은 날씨가 아주 좋습니다.'],
  ['GB18030', text => encodedIn('gb18030', text), '你好，今天天气很好，我们一起去公园吧。'],
];

/** Node decodes these and encodes none: every one or two bytes are tried. */
function encodedIn(label: string, text: string): Buffer {
  const decoder = new TextDecoder(label);
  const codes = new Map<string, number[]>();
  for (let first = 0; first < 256; first++) {
    if (first < 128) codes.set(String.fromCharCode(first), [first]);
    for (let second = 0x30; second < 255 && first >= 128; second++) {
      const pair = decoder.decode(Uint8Array.of(first, second));
      if (pair.length === 1 && pair !== '\ufffd' && !codes.has(pair)) codes.set(pair, [first, second]);
    }
    const single = decoder.decode(Uint8Array.of(first));
    if (single.length === 1 && single !== '\ufffd') codes.set(single, [first]);
  }
  return Buffer.from([...text].flatMap(letter => codes.get(letter) ?? []));
}

for (const [charset, encode, text] of WORDS) {
  test(`subtitle files: ${charset} is read as it was written`, () => {
    const file = encode(`1\n00:00:01,000 --> 00:00:02,000\n${text}\n`);
    assert.deepEqual(
      parseSubtitles(file, FILM).map(cue => cue.text),
      [text],
    );
  });
}

test('subtitle files: garbage costs little, and gives nothing but text', () => {
  const random = seededRandom(20_261_127);
  const tokens = [
    '{',
    '}',
    '<',
    '>',
    '&',
    '-->',
    '\\',
    '\n',
    '\r',
    ',',
    ':',
    '[Events]\n',
    'Dialogue:',
    'WEBVTT\n',
    '00:00:01,000',
    '{\\an8}',
    '<p begin="1s" end="2s">',
    '</',
    '"',
    '&#',
    ';',
    'aaaa',
    '{1}{2}',
    '<?xml?>',
    '<tt>',
    '<!--',
    '\u0000',
    'é',
  ];
  for (let round = 0; round < 400; round++) {
    const length = Math.floor(random() * 3_000);
    const pick = (): string => tokens[Math.floor(random() * tokens.length)] ?? '';
    const head = [
      '',
      'WEBVTT\n\n00:01.000 --> 00:02.000\n',
      '[Script Info]\n[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,,,,,,,',
      '<?xml?><tt><p begin="1s" end="2s">',
      '{1}{2}',
      '1\n00:00:01,000 --> 00:00:02,000\n',
    ][round % 6];
    const file =
      round % 7 === 0
        ? Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
        : Buffer.from(head + Array.from({ length }, pick).join(''));
    for (const { text, settings, startMs, endMs } of parseSubtitles(file, FILM)) {
      assert.doesNotMatch(text.replace(/<\/?(?:[ibu]|c(?:\.[a-z]+)?)>/g, ''), /[<>]/);
      assert.doesNotMatch(text, /\n\n|\r/);
      assert.match(settings, /^[a-z0-9:%.,\- ]*$/);
      assert.ok(endMs > startMs);
    }
  }
});

test('subtitle files: what repeats without end takes time in proportion, and no more cues than a film has', () => {
  const cost = (file: string): number => {
    const startedAt = process.cpuUsage();
    parseSubtitles(Buffer.from(file), FILM);
    return process.cpuUsage(startedAt).user / 1000;
  };
  const shapes = [
    '<i>',
    '{\\i1}',
    '<p begin="1s">',
    '<!--',
    '<![CDATA[',
    '<p>',
    '&#',
    '{',
    '<',
    '1\n',
    '[Events]\n',
    '00:00:01,000 --> ',
    ' ',
    '\\',
    '<tt x="',
    "='",
  ];
  for (const shape of shapes) {
    for (const head of ['', 'WEBVTT\n\n00:01.000 --> 00:02.000\n', '<tt>', '[Events]\nDialogue: ', '{1}{2}'])
      assert.ok(cost(head + shape.repeat(1_000_000 / shape.length)) < 3_000, `${JSON.stringify(head)} ${JSON.stringify(shape)}`);
  }
  const endless = '00:00:01,000 --> 00:00:02,000\na\n\n'.repeat(MAX_CUES + 10);
  assert.equal(parseSubtitles(Buffer.from(endless), FILM).length, MAX_CUES);
});

test('subtitle files: fields without end cost no more than fields that are known', { timeout: 120_000 }, () => {
  const text = `[Events]\nFormat: ${','.repeat(1_000_000)}Text\n${'Dialogue: 0,0:00:01.00,0:00:02.00,,,,,,,a\n'.repeat(10_000)}`;
  assert.equal(parseAss(text).length, 10_000);
});

test('subtitle formats: SAMI is shown from one point to the next, in the first of its languages', () => {
  const sami = `<SAMI><HEAD><STYLE TYPE="text/css"><!-- .ENCC {Name: English; lang: en-US;} --></STYLE></HEAD><BODY>
<SYNC Start=1000><P Class=ENCC>one &amp; <i>two</i><br>three</P>
<P Class=KRCC>other
<SYNC Start=2500><P Class=ENCC>&nbsp;
<sync start="4000"><p class=ENCC><font color=#ff0000>red</font>
</BODY></SAMI>`;
  assert.deepEqual(
    parseSubtitles(Buffer.from(sami), { num: 25, den: 1 }).map(({ startMs, endMs, text }) => [startMs, endMs, text]),
    [
      [1_000, 2_500, 'one &amp; <i>two</i>\nthree'],
      [4_000, 8_000, '<c.red>red</c>'],
    ],
  );
});
