import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientMemory } from '../../../src/core/client-memory.ts';
import { QueuedFrames } from '../../../src/core/queued-frames.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A reader that brings so many bytes each time it is fed. */
function reader(memory: ClientMemory, brings: number) {
  const one = { times: 0, feed };
  function feed(): void {
    one.times += 1;
    memory.read(brings);
    if (memory.isFull) memory.wait(one);
  }
  return one;
}

test('a frame that waits for many weighs once, and its places something', () => {
  const frames = new QueuedFrames();
  const [shared, own] = [Buffer.alloc(10_000), Buffer.alloc(1_000)];
  for (let places = 0; places < 800; places++) frames.hold(shared);
  frames.hold(own);
  assert.ok(frames.bytes > 11_000 && frames.bytes < 11_000 + 2_000 + 800 * 32, `${frames.bytes} bytes`);
  assert.ok(QueuedFrames.share(shared) < 50, 'of a shared frame each has a part');
  assert.ok(QueuedFrames.share(own) > 1_000);
  for (let places = 0; places < 799; places++) frames.release(shared);
  assert.ok(frames.bytes > 11_000, 'the last place keeps all of it');
  frames.release(shared);
  frames.release(own);
  assert.equal(frames.bytes, 0);
  frames.hold(shared);
  assert.ok(frames.bytes > 10_000, 'what comes again weighs again');
});

test('a frame of no bytes costs something: a million of them are not nothing', () => {
  const frames = new QueuedFrames();
  frames.hold(Buffer.alloc(0));
  assert.ok(frames.bytes >= 200);
});

test('readers that wait go on when an eighth is free, the first one first, and no more than fit', async () => {
  const memory = new ClientMemory(8 * 65_536);
  memory.read(8 * 65_536);
  const readers = [1, 2, 3].map(() => reader(memory, 65_536));
  for (const one of readers) memory.wait(one);
  memory.read(-65_535);
  await turn();
  assert.deepEqual(
    readers.map(({ times }) => times),
    [0, 0, 0],
    'not yet an eighth',
  );
  memory.read(-1);
  await turn();
  assert.deepEqual(
    readers.map(({ times }) => times),
    [1, 0, 0],
  );
  assert.equal(memory.waiting, 3, 'it waits again, as the last');
  memory.read(-3 * 65_536);
  await turn();
  assert.deepEqual(
    readers.map(({ times }) => times),
    [2, 1, 1],
  );
});

test('a reader that is gone is not fed', async () => {
  const memory = new ClientMemory(1_000_000);
  const one = reader(memory, 0);
  memory.read(1_000_000);
  memory.wait(one);
  memory.forget(one);
  memory.read(-1_000_000);
  await turn();
  assert.deepEqual([one.times, memory.waiting], [0, 0]);
});

test('readings that cannot wait are reported once at the end of the turn, also those beyond a chunk', async () => {
  const memory = new ClientMemory(100_000);
  let alarms = 0;
  memory.onExcess = () => {
    alarms += 1;
  };
  memory.read(100_000);
  memory.wait(reader(memory, 0));
  memory.read(65_536);
  await turn();
  assert.equal(alarms, 0, 'a reader that is paused may have brought a chunk');
  for (let frames = 0; frames < 10; frames++) memory.queued.hold(Buffer.alloc(10_000));
  assert.equal(alarms, 0);
  await turn();
  assert.equal(alarms, 1);
  memory.queued.hold(Buffer.alloc(1));
  await turn();
  assert.equal(alarms, 1, 'until it is enforced');
  memory.enforced();
  memory.queued.hold(Buffer.alloc(1));
  await turn();
  assert.equal(alarms, 2);
});

test('an eighth of the limit is for what is read of sockets whose gate is shut', () => {
  const memory = new ClientMemory(8_000);
  memory.readBeyondGate(999);
  assert.ok(memory.hasRoomBeyondGates);
  memory.readBeyondGate(1);
  assert.ok(!memory.hasRoomBeyondGates);
  assert.equal(memory.held, 1_000);
  memory.readBeyondGate(-1_000);
  assert.equal(memory.held, 0);
});
