import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueuedFrames } from '../../../src/core/queued-frames.ts';

test('a frame counts once however often it waits, and each change is reported', () => {
  const reported: number[] = [];
  const queued: QueuedFrames = new QueuedFrames(() => reported.push(queued.bytes));
  const frame = Buffer.alloc(100);
  queued.hold(frame);
  queued.hold(frame);
  assert.equal(QueuedFrames.share(frame), (100 + 256) / 2 + 16);
  queued.release(frame);
  queued.release(frame);
  assert.deepEqual(reported, [372, 388, 372, 0]);
  assert.equal(queued.bytes, 0);
});
