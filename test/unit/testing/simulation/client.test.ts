import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryClient } from '../../../../src/testing/simulation/client.ts';
import { turn } from '../../actors/rig.ts';

test('a close frame is answered behind the call that sends it', async () => {
  const client = new MemoryClient('orders', '127.0.0.1', () => {});
  const answers: Buffer[] = [];
  client.stream.on('data', (bytes: Buffer) => answers.push(bytes));
  client.stream.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  await turn();
  client.stream.write(Buffer.from([0x88, 0x02, 0x03, 0xf4]));
  assert.deepEqual([client.closed, answers.length], [{ code: 1012, reason: '' }, 0]);
  await turn();
  assert.equal(answers.length, 1);
  assert.equal((answers[0]?.[0] ?? 0) & 0x0f, 8);
});
