// Own process: it measures memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { OneOrSet } from '../../../src/channels/subscribers/one-or-set.ts';
import { type Subscriber, Subscriptions } from '../../../src/channels/subscribers/subscriptions.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const heapUsed = () => {
  collect();
  return process.memoryUsage().heapUsed;
};

const NODE = Number(process.versions.node.split('.')[0]);

class Client implements Subscriber {
  channels: OneOrSet<string> | undefined = undefined;
}

test('nothing is left of a million names without a subscriber', () => {
  const index = new Subscriptions<Client>();
  const clients = Array.from({ length: 100 }, () => new Client());
  const before = heapUsed();
  for (let at = 0; at < 1_000_000; at += 1) {
    const client = clients[at % clients.length] as Client;
    if (at % 7 === 0) index.removeAll(client);
    index.add(client, `symbol.${at}`);
    if (at % 2 === 0) index.remove(client, `symbol.${at}`);
  }
  for (const client of clients) index.removeAll(client);
  assert.deepEqual([index.size, index.channels], [0, 0]);
  const left = heapUsed() - before;
  assert.ok(left < 2 * 1_048_576, `${left} bytes are left`);
});

test('a subscription takes 200 bytes at most, its name included', () => {
  const shapes = [
    { clients: 50_000, perClient: 1, channels: 50_000 },
    { clients: 5_000, perClient: 20, channels: 2_000 },
    { clients: 20_000, perClient: 5, channels: 50_000 },
    { clients: 1, perClient: 50_000, channels: 50_000 },
  ];
  for (const { clients, perClient, channels } of shapes) {
    const all = Array.from({ length: clients }, () => new Client());
    const before = heapUsed();
    const index = new Subscriptions<Client>();
    let next = 0;
    // As names come from the network: each a text of its own.
    for (const client of all)
      for (let at = 0; at < perClient; at += 1) {
        index.add(client, Buffer.from(`symbol.${next % channels}`).toString());
        next += 1;
      }
    const each = (heapUsed() - before) / index.size;
    // Node 24's sets take a little more than those of Node 20.
    assert.ok(
      each <= (NODE > 20 ? 220 : 200),
      `${Math.round(each)} bytes with ${clients} x ${perClient} in ${channels}`,
    );
    assert.equal(index.size, clients * perClient);
  }
});
