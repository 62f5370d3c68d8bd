import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { RemoteSink } from '../../../src/feeds/sink/remote-sink.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { keptLogger } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf } from '../pipelines/parts.ts';
import { FakeNetwork, remoteContext, sinkSettings } from './fake-remote.ts';

async function setUp(t: TestContext, settings: Record<string, unknown> = {}) {
  const network = new FakeNetwork();
  const clock = new HandClock();
  const stats = createStats();
  const context = remoteContext(network, { path: 'pipelines.p.sink', clock, logger: keptLogger().logger, stats });
  const sink = new RemoteSink(sinkSettings(settings), context);
  const failures: TidegateError[] = [];
  sink.failed$.subscribe((failure) => failures.push(failure));
  let idles = 0;
  sink.idle$.subscribe(() => {
    idles += 1;
  });
  await sink.open();
  t.after(() => sink.close());
  const log = new SettleLog();
  const write = (...texts: string[]) =>
    sink.write(batchOf(...texts.map((text, token) => log.message(text, { token }))));
  return { sink, network, clock, stats, log, write, failures, idles: () => idles };
}

test('records wait while the server is unreachable, and are then sent in order, one message each', async (t) => {
  const { sink, network, log, write, idles } = await setUp(t);
  write('a', 'b');
  assert.equal(sink.idle, false);
  network.last.opens();
  assert.deepEqual(network.last.sent, ['a', 'b']);
  assert.deepEqual(network.last.binaries, [false, false]);
  assert.deepEqual(log.outcomes, []);
  network.last.drains();
  assert.deepEqual(log.outcomes, ['ack', 'ack']);
  assert.equal(sink.idle, true);
  assert.ok(idles() >= 1);
});

test('unconfirmed messages are sent again first after a reconnect', async (t) => {
  const { network, clock, log, write } = await setUp(t);
  network.last.opens();
  write('a');
  network.last.drains();
  write('b', 'c');
  const old = network.last;
  old.ends();
  write('d');
  clock.advance(500);
  network.last.opens();
  assert.deepEqual(network.last.sent, ['b', 'c', 'd']);
  // The old socket may still say that something was written; that confirms nothing of this one.
  old.drains();
  assert.equal(log.outcomes.length, 1);
  network.last.drains();
  assert.deepEqual(log.outcomes, ['ack', 'ack', 'ack', 'ack']);
});

test('confirm: pong settles the messages before the ping, and only those', async (t) => {
  const { network, log, write, clock } = await setUp(t, { confirm: 'pong' });
  network.last.opens();
  write('a', 'b');
  write('c');
  network.last.drains();
  assert.deepEqual(log.outcomes, []);
  const [first, second] = network.last.pings as [Buffer, Buffer];
  network.last.pongs(Buffer.from('not our ping'));
  network.last.pongs(first);
  assert.equal(log.outcomes.length, 2);
  // A peer may answer the last ping alone (RFC 6455 5.5.3), or one twice.
  write('d');
  network.last.pongs(network.last.pings[2] as Buffer);
  network.last.pongs(second);
  assert.equal(log.outcomes.length, 4);
  write('e');
  network.last.ends();
  clock.advance(500);
  network.last.opens();
  assert.deepEqual(network.last.sent, ['e']);
  network.last.pongs(network.last.pings[0] as Buffer);
  assert.equal(log.outcomes.length, 5);
});

test('a full socket delays sending', async (t) => {
  const { sink, network, write } = await setUp(t);
  network.last.opens();
  write('a');
  network.last.buffered = 2_000_000;
  write('b', 'c');
  assert.deepEqual(network.last.sent, ['a']);
  assert.equal(sink.idle, false);
  network.last.buffered = 0;
  network.last.drains();
  assert.deepEqual(network.last.sent, ['a', 'b', 'c']);
});

test('a message that the pipeline has settled meanwhile is not sent', async (t) => {
  const { sink, network, log } = await setUp(t);
  const given = log.message('given up');
  sink.write(batchOf(given, log.message('wanted')));
  given.ack();
  network.last.opens();
  assert.deepEqual(network.last.sent, ['wanted']);
});

test('bytes that are not UTF-8 can be sent as a binary message, not as text', async (t) => {
  const bytes = Buffer.from([0xff, 0xfe]);
  for (const frame of ['text', 'binary']) {
    const { sink, network, log } = await setUp(t, { frame });
    network.last.opens();
    sink.write(batchOf(new Message(bytes, { target: log, token: 0 }), log.message('fine', { token: 1 })));
    network.last.drains();
    assert.deepEqual(
      [...log.byToken],
      frame === 'text'
        ? [
            [0, ['TG_MESSAGE_INVALID']],
            [1, ['ack']],
          ]
        : [
            [0, ['ack']],
            [1, ['ack']],
          ],
    );
    assert.deepEqual(network.last.binaries.at(-1), frame === 'binary');
  }
});

test('without reconnecting, a lost connection fails the sink', async (t) => {
  const { network, failures, write } = await setUp(t, { reconnect: { enabled: false } });
  network.last.opens();
  network.last.ends({ reason: 'the server closed with 1000' });
  write('a');
  assert.equal(failures[0]?.code, 'TG_REMOTE_FAILED');
});

test('messages of the server are counted and not used', async (t) => {
  const { network, stats } = await setUp(t);
  network.last.opens();
  network.last.says('hello');
  const labels = { component: 'pipelines.p.sink', url: 'wss://partner.example/ws' };
  assert.equal(stats.counter('tidegate_remote_frames_received_total', labels).value, 1);
});

test('after a sink is reopened, earlier messages confirm nothing', async (t) => {
  const { sink, network, log, write } = await setUp(t, { confirm: 'pong' });
  network.last.opens();
  write('lost 1', 'lost 2');
  await sink.close();
  await sink.open();
  network.last.opens();
  write('a');
  write('b');
  const [first, second] = network.last.pings as [Buffer, Buffer];
  network.last.pongs(first);
  assert.deepEqual(log.outcomes, ['ack']);
  network.last.pongs(second);
  assert.deepEqual(log.outcomes, ['ack', 'ack']);
});

test('records without a value count as done and are not sent, unless tombstones are sent', async (t) => {
  for (const [tombstones, sent] of [
    ['skip', ['a', 'given a value', 'b']],
    ['send', ['a', '', 'given a value', 'b']],
  ] as const) {
    const { sink, network, stats, log } = await setUp(t, { tombstones });
    const meta = { tombstone: true };
    const deleted = log.message('', { token: 1, meta });
    const changed = log.message('', { token: 2, meta }).derive({ payload: Buffer.from('given a value') });
    sink.write(batchOf(log.message('a', { token: 0 }), deleted, changed, log.message('b', { token: 3 })));
    assert.deepEqual(log.outcomes, []);
    network.last.opens();
    assert.deepEqual(network.last.sent, sent);
    network.last.drains();
    assert.deepEqual(log.notOnce(4), []);
    assert.deepEqual(log.outcomes, ['ack', 'ack', 'ack', 'ack']);
    const labels = { component: 'pipelines.p.sink', url: 'wss://partner.example/ws' };
    const skipped = stats.counter('tidegate_remote_dropped_total', { ...labels, reason: 'tombstone' }).value;
    assert.equal(skipped, 4 - sent.length);
    assert.equal(stats.counter('tidegate_remote_settled_total', labels).value, sent.length);
    assert.equal(sink.idle, true);
  }
});
