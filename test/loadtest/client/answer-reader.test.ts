// The load test's reader of HTTP answers finds their end wherever the network cuts them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerReader } from '../../../loadtest/client/answer-reader.ts';

const LENGTH = 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nRetry-After: 5\r\n\r\nhello world';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n';

for (const [what, text] of [
  ['an answer with a length', LENGTH],
  ['an answer in chunks', CHUNKED],
] as const) {
  test(`${what} is whole with its last byte and no sooner, cut anywhere`, () => {
    for (let cut = 1; cut < text.length; cut++) {
      const reader = new AnswerReader(true);
      assert.equal(reader.push(Buffer.from(text.slice(0, cut))), null, `cut at ${cut}`);
      assert.equal(reader.push(Buffer.from(text.slice(cut)))?.status, 200);
      assert.equal(reader.body(), 'hello world');
      assert.equal(reader.bodyBytes, 11);
    }
  });
}

test('headers are found by name', () => {
  const head = new AnswerReader(false).push(Buffer.from(LENGTH));
  assert.equal(head?.header('retry-after'), '5');
  assert.equal(head?.header('etag'), null);
});

test('an answer without a body ends with its head', () => {
  assert.equal(new AnswerReader(false).push(Buffer.from('HTTP/1.1 204 No Content\r\n\r\n'))?.status, 204);
});
