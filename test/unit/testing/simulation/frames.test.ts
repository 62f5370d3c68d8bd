import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader, TEXT } from '../../../../src/testing/simulation/frames.ts';
import { encodeFrame } from '../../../../src/transports/websocket/framing.ts';

test('frames of any length are read, however they are cut into pieces', () => {
  const texts = ['', 'a', 'b'.repeat(125), 'c'.repeat(126), 'd'.repeat(65_535), 'e'.repeat(65_536)];
  const bytes = Buffer.concat(texts.map((data) => encodeFrame({ data, binary: false })));
  for (const size of [1, 7, 1_000, bytes.length]) {
    const reader = new FrameReader();
    const seen: string[] = [];
    for (let at = 0; at < bytes.length; at += size)
      for (const { opcode, payload } of reader.read(bytes.subarray(at, at + size)))
        seen.push(opcode === TEXT ? payload.toString() : 'not text');
    assert.deepEqual(
      seen.map(({ length }) => length),
      texts.map(({ length }) => length),
    );
  }
});

test('a message in several frames is one, with control frames between them', () => {
  const reader = new FrameReader();
  const frame = (first: number, text: string) => Buffer.concat([Buffer.from([first, text.length]), Buffer.from(text)]);
  const read = reader.read(Buffer.concat([frame(0x01, 'on'), frame(0x89, 'ping'), frame(0x80, 'e')]));
  assert.deepEqual(
    read.map(({ opcode, payload }) => [opcode, payload.toString()]),
    [
      [9, 'ping'],
      [1, 'one'],
    ],
  );
});
