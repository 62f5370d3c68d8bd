import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mostSockets } from '../../../../src/transports/websocket/open-files.ts';

test('most of the files that a process may open are for sockets, and some for everything else', () => {
  assert.deepEqual([1_024, 524_288, 200, 4].map(mostSockets), [896, 524_160, 100, 2]);
  assert.equal(mostSockets(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
});
