import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame } from '../../../src/core/frame.ts';
import { FrameGroup, SharedFrame, type Wire } from '../../../src/core/shared-frame.ts';

/** Frames whose bytes on the wire `sse` are other ones than on the others, and what was encoded. */
function setUp() {
  const made: string[] = [];
  const share = (data: Buffer | string) =>
    new SharedFrame({ data, binary: false }, (frame: Frame, wire: Wire, shared) => {
      made.push(`${wire} ${frame.data}`);
      if (wire === 'deflate') return shared.bytes('plain');
      return Buffer.from(wire === 'sse' ? `data: ${frame.data}` : `[${frame.data.toString()}`);
    });
  return { made, share };
}

test('the bytes of each wire are made once, and only for the wires that are asked for', () => {
  const { made, share } = setUp();
  const frame = share('a');
  assert.deepEqual(made, []);
  for (const wire of ['plain', 'plain', 'sse', 'sse'] as const) frame.bytes(wire);
  assert.deepEqual(made, ['plain a', 'sse a']);
  assert.equal(frame.bytes('sse'), frame.bytes('sse'));
  assert.notEqual(frame.bytes('sse'), frame.bytes('plain'));
});

test('a wire that gives the plain bytes shares their memory', () => {
  const { made, share } = setUp();
  const frame = share('a');
  assert.equal(frame.bytes('deflate'), frame.bytes('plain'));
  assert.deepEqual(made, ['deflate a', 'plain a']);
});

test('a frame that is kept holds on to its own bytes, and other wires are still made of its payload', () => {
  const { share } = setUp();
  const read = Buffer.from('much more than a');
  const frame = share(read.subarray(read.length - 1)).detach();
  read.fill('x');
  assert.equal(String(frame.bytes('sse')), 'data: a');
  assert.equal(frame.size, 2);
  assert.equal(String(share('é').detach().bytes('sse')), 'data: é');
});

test('sockets of one wire share one chunk, in the order of the frames', () => {
  const { made, share } = setUp();
  const group = new FrameGroup([share('a'), share('b')]);
  const { chunk, frames } = group.on('plain');
  assert.equal(String(chunk), '[a[b');
  assert.deepEqual(frames.map(String), ['[a', '[b']);
  assert.equal(group.on('plain').chunk, chunk);
  assert.equal(group.on('sse').chunk, group.on('sse').chunk);
  assert.equal(String(group.on('sse').chunk), 'data: adata: b');
  assert.deepEqual(made, ['plain a', 'plain b', 'sse a', 'sse b']);
});
