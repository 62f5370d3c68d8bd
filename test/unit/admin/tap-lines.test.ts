import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { LineStream } from '../../../src/admin/line-stream.ts';
import { MAX_SHOWN, tappedLine } from '../../../src/admin/tapped-message.ts';
import { Message, type MessageInit } from '../../../src/core/message.ts';

/** An output that takes what it is given only when the test says so. */
function slowOutput() {
  const taken: string[] = [];
  const open: (() => void)[] = [];
  const output = new Writable({
    highWaterMark: 10,
    write(chunk: Buffer, _encoding, done) {
      taken.push(chunk.toString());
      open.push(done);
    },
  });
  return { output, taken, takeOne: () => open.shift()?.() };
}

test('a reader that does not read loses the oldest lines, and only those are kept that fit', async () => {
  const { output, taken, takeOne } = slowOutput();
  const lines = new LineStream(output);
  const long = 'x'.repeat(100_000);
  for (let number = 0; number < 6; number += 1) lines.write(`${number}${long}`);
  assert.equal(lines.takeDropped(), 3);
  assert.equal(lines.takeDropped(), 0);
  assert.ok(output.writableLength < 110_000);
  for (let turn = 0; turn < 10; turn += 1) {
    takeOne();
    await new Promise(setImmediate);
  }
  assert.deepEqual(
    taken.map((line) => line[0]),
    ['0', '4', '5'],
  );
});

test('the last line comes behind all that waits', async () => {
  const { output, taken, takeOne } = slowOutput();
  const lines = new LineStream(output);
  for (const line of ['a line', 'another line', 'a third line']) lines.write(line);
  lines.end('the end');
  for (let turn = 0; turn < 10; turn += 1) {
    takeOne();
    await new Promise(setImmediate);
  }
  assert.deepEqual(taken, ['a line\n', 'another line\n', 'a third line\n', 'the end\n']);
  assert.ok(output.writableEnded);
});

const shown = (payload: string | Buffer, init: MessageInit = {}) =>
  JSON.parse(tappedLine(new Message(Buffer.from(payload), init))) as Record<string, unknown>;

test('a payload is JSON, text or base64, by what it is', () => {
  assert.deepEqual(shown('{ "a":\n 1 }'), { size: 11, json: { a: 1 } });
  assert.deepEqual(shown('hello\n'), { size: 6, text: 'hello\n' });
  assert.deepEqual(shown(Buffer.from([0xff, 0x00])), { size: 2, base64: '/wA=' });
  const line = tappedLine(new Message(Buffer.from('{"big":12345678901234567890}')));
  assert.ok(line.includes('"json":{"big":12345678901234567890}'), line);
});

test('a large payload is cut, and not within a character', () => {
  const { text, size, truncated } = shown('é'.repeat(MAX_SHOWN)) as { text: string; size: number; truncated: boolean };
  assert.deepEqual([text.length, size, truncated], [MAX_SHOWN / 2, MAX_SHOWN * 2, true]);
  const odd = shown(`a${'é'.repeat(MAX_SHOWN)}`) as { text: string };
  assert.ok(!odd.text.includes('\uFFFD') && odd.text.endsWith('é'));
});

test('a message comes with its place, key and headers, and without secrets in these', () => {
  assert.deepEqual(
    shown('1', {
      topic: 'orders',
      partition: 2,
      offset: 5,
      timestamp: 7,
      key: Buffer.from([0xff]),
      meta: { client_id: 'c1', auth: { token: 'x' } },
      headers: [
        ['source', 'app'],
        ['source', Buffer.from('b')],
        ['empty', null],
        ['Authorization', 'Bearer abc'],
      ],
    }),
    {
      topic: 'orders',
      partition: 2,
      offset: 5,
      client_id: 'c1',
      key: { base64: '/w==' },
      headers: [
        ['source', 'app'],
        ['source', 'b'],
        ['empty', null],
        ['Authorization', '***'],
      ],
      timestamp: 7,
      size: 1,
      json: 1,
    },
  );
});
