import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numberOf, numberPayload, roundTrip, timePayload } from '../../../../src/actors/endpoint/pings.ts';
import { refusedContent, whyRefused } from '../../../../src/actors/endpoint/refused-frame.ts';

test('a pong is a round trip or a number, by its length and its first byte, and anything else is neither', () => {
  const time = timePayload();
  assert.ok((roundTrip(time) ?? -1) >= 0);
  assert.equal(numberOf(time), undefined);
  const number = numberPayload(2 ** 40 + 1);
  assert.equal(numberOf(number), 2 ** 40 + 1);
  assert.equal(roundTrip(number), undefined);
  const wrong = Buffer.from(number);
  wrong[0] = 0;
  for (const payload of [
    Buffer.alloc(0),
    Buffer.from('hello'),
    wrong,
    number.subarray(0, 8),
    Buffer.concat([number, number]),
  ])
    assert.equal(numberOf(payload), undefined, payload.toString('hex'));
});

test('a time that lies ahead, or an hour and more back, is not one of ours', () => {
  const sentBefore = (seconds: number) => {
    const payload = Buffer.alloc(8);
    payload.writeDoubleBE(performance.now() - seconds * 1_000);
    return roundTrip(payload);
  };
  assert.ok((sentBefore(3_590) ?? 0) >= 3_590);
  assert.deepEqual([sentBefore(3_601), sentBefore(-60)], [undefined, undefined]);
});

test('a frame is refused by a reply that says so, or by a close for data', () => {
  const frame = { data: Buffer.from('x'), binary: false };
  assert.equal(whyRefused([]), undefined);
  assert.equal(whyRefused([{ type: 'reply', frame }]), undefined);
  assert.equal(whyRefused([{ type: 'reply', frame, rejected: 'json' }]), '(json)');
  assert.equal(whyRefused([{ type: 'reply', frame, rejected: 'json', why: 'no' }]), '(json): no');
  for (const code of [1003, 1007]) assert.equal(whyRefused([{ type: 'close', code, reason: 'data' }]), '(data)');
  for (const code of [1000, 1002, 1004, 1008])
    assert.equal(whyRefused([{ type: 'close', code, reason: 'data' }]), undefined);
  assert.equal(
    whyRefused([
      { type: 'reply', frame },
      { type: 'reply', frame, rejected: 'late' },
    ]),
    '(late)',
  );
});

test('a reason is cut to 500 characters, and never between the halves of one', () => {
  const why = (text: string) =>
    whyRefused([{ type: 'reply', frame: { data: Buffer.alloc(0), binary: false }, rejected: 'r', why: text }]);
  assert.equal(why('x'.repeat(500)), `(r): ${'x'.repeat(500)}`);
  assert.equal(why('x'.repeat(501)), `(r): ${'x'.repeat(500)}...`);
  assert.equal(why(`${'x'.repeat(499)}😀`), `(r): ${'x'.repeat(499)}...`);
});

test('a refused frame is kept as it came, with a mark where it was binary', () => {
  const data = Buffer.from('x');
  assert.deepEqual(refusedContent(data, false), { payload: data });
  assert.deepEqual(refusedContent(data, true), { payload: data, headers: [['websocket-frame', 'binary']] });
});
