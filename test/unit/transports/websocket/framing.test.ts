import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame } from '../../../../src/transports/websocket/framing.ts';

test('a frame whose payload is written in parts has the bytes of one that is written whole', () => {
  for (const length of [2, 125, 126, 65_535, 65_536, 1_000_000]) {
    for (const binary of [false, true]) {
      const payload = Buffer.alloc(length, 'x');
      const head = payload.subarray(0, 1);
      const parts = [encodeFrame({ data: head, binary, following: length - 1 }), payload.subarray(1)];
      assert.ok(Buffer.concat(parts).equals(encodeFrame({ data: payload, binary })), `${length} bytes`);
    }
  }
});

test('the length of a frame of more than 4 GiB is not cut', () => {
  const bytes = encodeFrame({ data: 'x', binary: false, following: 2 ** 33 });
  assert.equal(bytes.readBigUInt64BE(2), 2n ** 33n + 1n);
});

test('a binary frame leaves as one, a text as a text, each whole and unmasked (RFC 6455 5.2)', () => {
  const bytes = Buffer.from([0x61, 0xff, 0x00]);
  assert.deepEqual(encodeFrame({ data: bytes, binary: true }), Buffer.from([0x82, 3, ...bytes]));
  assert.deepEqual(encodeFrame({ data: Buffer.from('ok'), binary: true }), Buffer.from([0x82, 2, 0x6f, 0x6b]));
  assert.deepEqual(encodeFrame({ data: Buffer.from('ok'), binary: false }), Buffer.from([0x81, 2, 0x6f, 0x6b]));
  assert.deepEqual(encodeFrame({ data: 'ü', binary: false }), Buffer.from([0x81, 2, 0xc3, 0xbc]));
  const long = Buffer.alloc(300, 0x78);
  assert.deepEqual(encodeFrame({ data: long, binary: true }), Buffer.concat([Buffer.from([0x82, 126, 1, 44]), long]));
});
