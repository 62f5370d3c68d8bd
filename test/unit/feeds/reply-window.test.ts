import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { sinkSettings as sinkSchema } from '../../../src/feeds/settings/sink-settings.ts';
import { RemoteSink } from '../../../src/feeds/sink/remote-sink.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { keptLogger, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf } from '../pipelines/parts.ts';
import { FakeNetwork, remoteContext, sinkSettings } from './fake-remote.ts';

const REPLIES = { record: '${! json.id }', reply: '${! json.re }', reject: { ok: false }, timeout: '5s', tries: 2 };

async function setUp(
  t: { after: TestContext['after'] },
  changes: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
) {
  const network = new FakeNetwork();
  const clock = new HandClock();
  const context = remoteContext(network, { path: 'p', clock, logger: keptLogger().logger, stats: createStats() });
  const replies = { ...REPLIES, ...changes };
  const settings = sinkSettings({ confirm: 'reply', replies, reconnect: { interval: '1s' }, ...more });
  const sink = new RemoteSink(settings, context);
  await sink.open();
  t.after(() => sink.close());
  const log = new SettleLog();
  let token = 0;
  const write = (...ids: unknown[]) =>
    sink.write(
      batchOf(
        ...ids.map((id) =>
          log.message(typeof id === 'string' && id.startsWith('{') ? id : JSON.stringify({ id }), { token: token++ }),
        ),
      ),
    );
  const says = (value: unknown) => network.last.says(typeof value === 'string' ? value : JSON.stringify(value));
  const outcome = (at: number) => log.byToken.get(at);
  return { sink, network, clock, log, write, says, outcome };
}

const record = (id: unknown) => JSON.stringify({ id });

test('a record is done when the reply with its id comes, in any order, and fails when that refuses it', async (t) => {
  const { network, write, says, outcome } = await setUp(t);
  network.last.opens();
  write(1, 'two', 3);
  network.last.drains();
  assert.deepEqual([0, 1, 2].map(outcome), [undefined, undefined, undefined]);
  says({ re: 3 });
  says({ re: 'two', ok: false });
  says({ re: 'unknown' });
  says('no json');
  says({});
  assert.deepEqual([0, 1, 2].map(outcome), [undefined, ['TG_REMOTE_REFUSED'], ['ack']]);
  says({ re: 1, ok: true });
  says({ re: 1, ok: false });
  assert.deepEqual(outcome(0), ['ack']);
});

test('with expect, other messages with the id are no replies, whatever JSONata takes', async (t) => {
  for (const expect of [{ type: 'ack' }, "${! $lowercase(json.type) = 'ack' }", '${! $match(json.type, /^ack$/) }']) {
    const { network, write, says, outcome } = await setUp(t, { expect });
    network.last.opens();
    write(1);
    says({ re: 1, type: 'progress' });
    await turn();
    assert.equal(outcome(0), undefined);
    says({ re: 1, type: 'ack' });
    await turn();
    assert.deepEqual(outcome(0), ['ack']);
  }
});

test('a record without a reply in time is sent again, and fails after its last try', async (t) => {
  const { network, clock, write, says, outcome } = await setUp(t);
  network.last.opens();
  write(1);
  clock.advance(2_000);
  write(2);
  clock.advance(2_999);
  assert.deepEqual(network.last.sent, [record(1), record(2)]);
  clock.advance(1);
  assert.deepEqual(network.last.sent, [record(1), record(2), record(1)]);
  says({ re: 2 });
  clock.advance(4_999);
  assert.deepEqual([outcome(0), outcome(1)], [undefined, ['ack']]);
  clock.advance(1);
  assert.deepEqual(outcome(0), ['TG_REMOTE_REFUSED']);
  assert.equal(network.last.sent.length, 3);
  // Too late.
  says({ re: 1 });
  assert.deepEqual(outcome(0), ['TG_REMOTE_REFUSED']);
  assert.equal(clock.pending > 0, true);
});

test('a reply that comes late confirms the record that was sent again', async (t) => {
  const { network, clock, write, says, outcome } = await setUp(t);
  network.last.opens();
  write(1);
  clock.advance(5_000);
  says({ re: 1 });
  assert.deepEqual(outcome(0), ['ack']);
  says({ re: 1 });
  clock.advance(9_000);
  assert.equal(network.last.sent.length, 2);
});

test('after a reconnect records without a reply are sent again first, in order', async (t) => {
  const { network, clock, write, says, outcome } = await setUp(t);
  network.last.opens();
  write(1, 2, 3);
  says({ re: 2 });
  network.last.ends();
  write(4);
  clock.advance(1_000);
  network.last.opens();
  assert.deepEqual(network.last.sent, [1, 3, 4].map(record));
  for (const re of [1, 3, 4]) says({ re });
  assert.deepEqual([0, 1, 2, 3].map(outcome), [['ack'], ['ack'], ['ack'], ['ack']]);
});

test('replies to records with the same id confirm them one by one, and one without an id fails at once', async (t) => {
  const { network, write, says, outcome } = await setUp(t);
  network.last.opens();
  write(7, 7, '{"x":1}', '{broken', 8);
  assert.deepEqual([outcome(2), outcome(3)], [['TG_MESSAGE_INVALID'], ['TG_EXPRESSION_FAILED']]);
  assert.deepEqual(network.last.sent, [7, 7, 8].map(record));
  says({ re: 7 });
  assert.deepEqual([outcome(0), outcome(1)], [['ack'], undefined]);
  says({ re: 7, ok: false });
  assert.deepEqual(outcome(1), ['TG_REMOTE_REFUSED']);
});

test('replies to records with the same id confirm them one by one, also if JSONata judges them', async (t) => {
  const { network, write, says, outcome } = await setUp(t, { expect: '${! $match(json.type, /^ack$/) }' });
  network.last.opens();
  write(7, 7);
  for (let n = 0; n < 2; n += 1) says({ re: 7, type: 'ack' });
  for (let n = 0; n < 20 && outcome(1) === undefined; n += 1) await turn();
  assert.deepEqual([outcome(0), outcome(1)], [['ack'], ['ack']]);
});

test('a server that replies faster than JSONata judges is not read meanwhile; a cut forgets the rest', async (t) => {
  const { network, clock, write, says, outcome } = await setUp(t, { expect: '${! $match(json.type, /^ack$/) }' });
  network.last.opens();
  write(7, 8);
  let count = 0;
  for (; count < 5_000 && !network.last.isPaused; count += 1) says({ re: 7, type: 'other' });
  assert.ok(network.last.isPaused && count <= 1_002, `${count}`);
  says({ re: 8, type: 'ack' });
  for (let n = 0; n < 100 && network.last.isPaused; n += 1) await turn();
  for (let n = 0; n < 100 && outcome(1) === undefined; n += 1) await turn();
  assert.deepEqual([network.last.isPaused, outcome(0), outcome(1)], [false, undefined, ['ack']]);
  for (count = 0; count < 1_002; count += 1) says({ re: 7, type: 'ack' });
  network.last.ends();
  clock.advance(1_000);
  network.last.opens();
  assert.equal(network.last.isPaused, false);
  for (let n = 0; n < 100; n += 1) await turn();
  assert.equal(outcome(0), undefined, 'replies of another connection');
  says({ re: 7, type: 'ack' });
  for (let n = 0; n < 100 && outcome(0) === undefined; n += 1) await turn();
  assert.deepEqual(outcome(0), ['ack']);
});

test('a reply confirms a record that waits to be sent again, and no try of it follows', async (t) => {
  const { network, clock, write, says, outcome } = await setUp(t, {}, { send_rate: '1/h', heartbeat: { ping: '0s' } });
  network.last.opens();
  write(1, 2);
  assert.deepEqual(network.last.sent, [record(1)]);
  clock.advance(5_000);
  says({ re: 1 });
  assert.deepEqual(outcome(0), ['ack']);
  clock.advance(3_600_000);
  assert.deepEqual(network.last.sent, [record(1), record(2)]);
});

test('every record is settled once, whatever replies, silences and cuts come', async () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), id: fc.nat(3) }),
    fc.record({ kind: fc.constant('reply' as const), id: fc.nat(3), ok: fc.boolean() }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(6_000) }),
    fc.record({ kind: fc.constant('cut' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
      const cleanups: (() => unknown)[] = [];
      const { network, clock, log, write, says, sink } = await setUp({
        after: (end) => void cleanups.push(end as () => unknown),
      });
      network.last.opens();
      let written = 0;
      const live = () => {
        if (!network.last.isEnded) return;
        clock.advance(1_000);
        network.last.opens();
      };
      for (const one of events) {
        live();
        if (one.kind === 'write') {
          write(one.id);
          written += 1;
        } else if (one.kind === 'reply') says({ re: one.id, ok: one.ok });
        else if (one.kind === 'wait') {
          for (let ms = 0; ms < one.ms; ms += 500) {
            network.last.says('alive');
            clock.advance(Math.min(500, one.ms - ms));
          }
        } else network.last.ends();
      }
      live();
      for (let n = 0; n < 40; n += 1) {
        network.last.says('alive');
        clock.advance(500);
      }
      assert.deepEqual(log.notOnce(written), []);
      assert.equal(sink.idle, true);
      for (const end of cleanups) await end();
    }),
    { numRuns: 100 },
  );
});

test('confirm: reply and replies need each other', () => {
  const mistakes = (settings: object) =>
    sinkSchema.safeParse({ url: 'ws://a', ...settings }).error?.issues.map(({ message }) => message) ?? [];
  assert.match(mistakes({ confirm: 'reply' })[0] ?? '', /need each other/);
  assert.match(mistakes({ replies: REPLIES })[0] ?? '', /need each other/);
  assert.deepEqual(mistakes({ replies: REPLIES, confirm: 'reply' }), []);
  assert.match(mistakes({ replies: { ...REPLIES, reply: '${! $x }' }, confirm: 'reply' })[0] ?? '', /\$x/);
});

test('frame: as_is sends text as text, and as binary what is not UTF-8 or came as binary', async (t) => {
  const network = new FakeNetwork();
  const context = remoteContext(network, { path: 'p', clock: new HandClock(), logger: keptLogger().logger });
  const sink = new RemoteSink(sinkSettings({ frame: 'as_is' }), context);
  await sink.open();
  t.after(() => sink.close());
  network.last.opens();
  const log = new SettleLog();
  const messages = [
    log.message('a'),
    log.message('b', { meta: { binary: true } }),
    log.message('c', { meta: { binary: false } }),
    log.message(''),
  ];
  (messages[3] as { payload: Buffer }).payload = Buffer.from([0xff]);
  sink.write(batchOf(...messages));
  assert.deepEqual(network.last.binaries, [false, true, false, true]);
});
