import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RemoteSink } from '../../../src/feeds/sink/remote-sink.ts';
import { HandClock } from '../core/hand-clock.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf } from '../pipelines/parts.ts';
import { FakeNetwork, remoteContext, sinkSettings } from './fake-remote.ts';

async function setUp(t: TestContext, settings: Record<string, unknown>) {
  const network = new FakeNetwork();
  const clock = new HandClock();
  const sink = new RemoteSink(sinkSettings(settings), remoteContext(network, { clock }));
  await sink.open();
  t.after(() => sink.close());
  const log = new SettleLog();
  const write = (...texts: string[]) =>
    sink.write(batchOf(...texts.map((text, token) => log.message(text, { token }))));
  let idles = 0;
  sink.idle$.subscribe(() => {
    idles += 1;
  });
  return { network, clock, sink, log, write, idles: () => idles };
}

const quiet = { heartbeat: { ping: '0s' } };

test('send_rate: records follow the messages of subscribe at that rate, each done when written', async (t) => {
  const { network, clock, log, write, sink, idles } = await setUp(t, { ...quiet, send_rate: '2/s', subscribe: ['hi'] });
  write('a', 'b', 'c');
  network.last.opens();
  assert.deepEqual(network.last.sent, ['hi', 'a']);
  network.last.drains();
  assert.deepEqual([log.outcomes, sink.idle], [['ack'], false]);
  clock.advance(1_249);
  assert.equal(network.last.sent.length, 2);
  const before = idles();
  clock.advance(1);
  network.last.drains();
  assert.deepEqual(network.last.sent, ['hi', 'a', 'b', 'c']);
  assert.deepEqual([log.outcomes, sink.idle], [['ack', 'ack', 'ack'], true]);
  assert.ok(idles() > before);
});

test('send_rate: only what was sent and not confirmed is sent again after a reconnect', async (t) => {
  const { network, clock, log, write } = await setUp(t, { ...quiet, send_rate: '2/s' });
  network.last.opens();
  write('a', 'b', 'c', 'd');
  network.last.drains();
  assert.deepEqual(
    [network.last.sent, log.outcomes],
    [
      ['a', 'b'],
      ['ack', 'ack'],
    ],
  );
  network.last.ends();
  clock.advance(500);
  network.last.opens();
  assert.deepEqual(network.last.sent, ['c', 'd']);
});

test('send_rate with confirm pong: the ping behind a record counts, too', async (t) => {
  const { network, clock, log, write } = await setUp(t, { ...quiet, send_rate: '2/s', confirm: 'pong' });
  network.last.opens();
  write('a', 'b');
  assert.deepEqual([network.last.sent, network.last.pings.length], [['a'], 1]);
  clock.advance(1_250);
  assert.deepEqual([network.last.sent, network.last.pings.length], [['a', 'b'], 2]);
  for (const ping of network.last.pings) network.last.pongs(ping);
  assert.deepEqual(log.outcomes, ['ack', 'ack']);
});

test('subscribe.interval: records wait for the last message of subscribe', async (t) => {
  const subscribe = { messages: ['one', 'two'], interval: '1s' };
  const { network, clock, write } = await setUp(t, { ...quiet, subscribe });
  network.last.opens();
  write('a');
  assert.deepEqual(network.last.sent, ['one']);
  clock.advance(1_000);
  assert.deepEqual(network.last.sent, ['one', 'two', 'a']);
});

test('heartbeat.reply and decompress work in a sink', async (t) => {
  const reply = { when: { op: 'ping' }, message: { op: 'pong', at: '${! json.at }' } };
  const { network } = await setUp(t, { heartbeat: { reply }, decompress: 'gzip' });
  network.last.opens();
  network.last.says('{"op":"ping","at":0.10}');
  assert.deepEqual(network.last.sent, ['{"op":"pong","at":0.10}']);
});
