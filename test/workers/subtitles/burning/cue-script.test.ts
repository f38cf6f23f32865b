// Cues as a script for libass: places and looks that WebVTT says, and words that stay words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeScript } from '#workers/subtitles/burning/cue-script.ts';

const lineOf = (text: string, settings = ''): string =>
  writeScript([{ startMs: 3_723_456, endMs: 3_724_000, text, settings }])
    .toString()
    .trimEnd()
    .split('\n')
    .at(-1) ?? '';

test('cue script: times count in hundredths, tags and places are those of ASS', () => {
  assert.equal(lineOf('<i>one</i>\ntwo'), 'Dialogue: 0,1:02:03.46,1:02:04.00,Default,,0,0,0,,{\\i1}one{\\i0}\\Ntwo');
  assert.match(lineOf('<c.red>a</c>', 'line:0'), /,,\{\\an8\}\{\\c&H0000FF&\}a\{\\c\}$/);
  assert.match(lineOf('a', 'line:50% position:10%'), /,,\{\\an5\}a$/);
  assert.match(lineOf('a', 'line:-1'), /,,a$/);
});

test('cue script: nothing that an author wrote is a command', () => {
  const line = lineOf('{\\an8}\\N &lt;b&gt; &amp;lt;');
  assert.match(line, /,,[^{}\\]*<b> &lt;$/);
});
