import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';
import { RoomClient } from '../helpers/room-client.ts';

const MIB = 2 ** 20;
/** A frame of 1 MiB at most, with what is around the text. */
const LARGE = 'x'.repeat(1_000_000);
const COUNT = 200;

test(`${COUNT} direct messages of 1 MB to a client that does not read neither close it nor use memory`, {
  timeout: 180_000,
}, async (t) => {
  const gateway = await startGateway(t, { config: 'test/fixtures/direct-flood.yaml' });
  await gateway.ready();
  const url = `ws://127.0.0.1:${gateway.port}/ws`;
  const [victim, sender] = [await RoomClient.join(url), await RoomClient.join(url)];
  await sender.knows([victim.id, sender.id]);
  const before = rss(gateway);
  victim.client.ws.pause();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, rss(gateway));
  }, 50);
  for (let n = 0; n < COUNT; n += 1) {
    sender.send({ type: 'broadcast-one', targetId: victim.id, message: LARGE });
    // The socket takes what the gateway reads.
    while (sender.client.ws.bufferedAmount > 4 * MIB) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  // One to itself comes when all before it have their end.
  sender.send({ type: 'broadcast-one', targetId: sender.id, message: 'done' });
  await sender.until(() => sender.of('direct').length === 1, 60_000);
  clearInterval(watch);
  const refused = sender.of('error').length;
  t.diagnostic(`RSS ${mib(before)} MiB before, ${mib(most)} MiB at most; ${refused} of ${COUNT} were refused`);
  assert.ok(most - before < 150 * MIB, `${mib(most - before)} MiB more`);
  assert.equal(victim.closed, undefined);
  victim.client.ws.resume();
  await victim.until(() => victim.of('direct').length === COUNT - refused, 30_000);
  await victim.until(() => victim.of('error').length > 0);
  sender.send({ type: 'broadcast-one', targetId: victim.id, message: 'small' });
  await victim.until(() => victim.of('direct').at(-1)?.message === 'small');
  assert.deepEqual([victim.closed, sender.closed], [undefined, undefined]);
});

function rss({ process: { pid } }: GatewayProcess): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return pages * 4_096;
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0);
}
