import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gateway, roomLog } from './embedded-room.ts';

test('numbers are given once, whichever gateway asks', async (t) => {
  const log = await roomLog(t);
  const gateways = await Promise.all([new Gateway(log), new Gateway(log), new Gateway(log)].map((one) => one.ready()));
  t.after(() => Promise.all(gateways.map(({ presence }) => presence.close())));
  const asked = gateways.flatMap((gateway) => Array.from({ length: 50 }, () => ({ gateway, newcomer: gateway.numbered() })));
  const names = await Promise.all(asked.map(({ gateway, newcomer }) => gateway.letIn(newcomer)));
  assert.equal(new Set(names).size, 150);
  assert.deepEqual(names.sort(), Array.from({ length: 150 }, (_, index) => `client-${index + 1}`).sort());
});
