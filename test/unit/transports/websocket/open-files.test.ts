import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mostSockets, mostWaiting } from '../../../../src/transports/websocket/open-files.ts';

test('most of the files that a process may open are for sockets, and some for everything else', () => {
  assert.deepEqual([1_024, 524_288, 200, 4].map(mostSockets), [896, 524_160, 100, 2]);
  assert.equal(mostSockets(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
});

test("connections that are not clients yet get half of the free files and the clients' rest, up to a bound", () => {
  const clients = mostSockets(300);
  assert.deepEqual(
    [clients, clients + 10, clients - 10, 0].map((count) => mostWaiting(count, 300)),
    [64, 64, 74, 64 + clients],
  );
  assert.deepEqual([mostWaiting(0, 524_288), mostWaiting(524_160, 524_288)], [2_048, 64]);
  assert.equal(mostWaiting(1_000_000, Number.POSITIVE_INFINITY), 2_048);
});
