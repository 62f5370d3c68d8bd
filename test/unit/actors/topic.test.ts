import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Topic } from '../../../src/actors/topic/topic.ts';
import { Batch } from '../../../src/core/batch.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../../src/telemetry/tracing.ts';
import { SettleLog } from '../core/settle-log.ts';
import { FakeLog } from './fake-log.ts';
import { keptLogger, turn } from './rig.ts';

function setUp() {
  const log = new FakeLog();
  const kept = keptLogger();
  const topic = new Topic({ name: 't', log, logger: kept.logger, stats: createStats(), tracing: NO_TRACING });
  const lane = log.lanes.get('t');
  assert.ok(lane);
  let idles = 0;
  topic.idle$.subscribe(() => {
    idles += 1;
  });
  const settled = new SettleLog();
  return { topic, lane, settled, idles: () => idles, state: () => topic.actor.getSnapshot().value, ...kept };
}

test('an idle topic sends at once; what comes meanwhile goes together in the next send', async () => {
  const { topic, lane, settled, idles } = setUp();
  const [a, b, c] = settled.messages(3);
  assert.equal(topic.idle, true);
  topic.write(new Batch(a === undefined ? [] : [a]));
  assert.equal(topic.idle, false);
  topic.write(new Batch(b === undefined ? [] : [b]));
  topic.write(new Batch(c === undefined ? [] : [c]));
  assert.deepEqual([lane.sends, topic.pending], [[['0']], 3]);
  lane.stores();
  await turn();
  assert.deepEqual([lane.sends, idles()], [[['0'], ['1', '2']], 0]);
  assert.deepEqual([...settled.byToken], [[0, ['ack']]]);
  lane.stores();
  await turn();
  assert.deepEqual([settled.notOnce(3), topic.idle, topic.pending, idles()], [[], true, 0, 1]);
});

test('a message that waits for the log does not keep its parsed value, which can be parsed again', () => {
  const { topic } = setUp();
  const message = new Message(Buffer.from('{"a":1}'));
  const { json } = message;
  topic.write(new Batch([message]));
  assert.notEqual(message.json, json);
  assert.deepEqual(message.json, { a: 1 });
});

test('a send has at most a thousand messages', async () => {
  const { topic, lane, settled } = setUp();
  topic.write(new Batch(settled.messages(2_500)));
  for (let sends = 0; sends < 3; sends++) {
    lane.stores();
    await turn();
  }
  assert.deepEqual(
    lane.sends.map((send) => send.length),
    [1_000, 1_000, 500],
  );
  assert.deepEqual(
    lane.sends.flat(),
    Array.from({ length: 2_500 }, (_, index) => String(index)),
  );
});

test('a send stays under 900,000 bytes, and a message that is larger goes alone', async () => {
  const { topic, lane, settled } = setUp();
  const sizes = [500_000, 300_000, 200_000, 950_000, 10];
  topic.write(new Batch(sizes.map((size) => settled.message('x'.repeat(size)))));
  for (let sends = 0; sends < 4; sends++) {
    lane.stores();
    await turn();
  }
  assert.deepEqual(
    lane.sends.map((send) => send.map(({ length }) => length)),
    [[500_000, 300_000], [200_000], [950_000], [10]],
  );
});

test('messages that the log refuses are nacked, the others of the send are acked', async () => {
  const { topic, lane, settled } = setUp();
  topic.write(new Batch(settled.messages(3)));
  lane.stores({ index: 1, failure: new TidegateError('TG_RECORD_TOO_LARGE', 'big') });
  await turn();
  assert.deepEqual([...settled.byToken].sort(), [
    [0, ['ack']],
    [1, ['TG_RECORD_TOO_LARGE']],
    [2, ['ack']],
  ]);
});

test('a dead letter that is written while its send is being settled goes with the next one', async () => {
  const { topic, lane, settled } = setUp();
  const message = settled.message('a');
  message.tracker = {
    takeOver: (failed) => {
      topic.write(new Batch([failed.derive({ payload: Buffer.from('letter') })]));
      return true;
    },
    settled() {},
  };
  topic.write(new Batch([message]));
  lane.stores({ index: 0, failure: new TidegateError('TG_RECORD_REFUSED', 'no') });
  await turn();
  assert.deepEqual(lane.sends, [['a'], ['letter']]);
  lane.stores();
  await turn();
  assert.deepEqual(settled.outcomes, ['ack']);
});

test('the state follows the lane: sending, retrying with a warning, recovered, idle', async () => {
  const { topic, lane, settled, state, warnings, infos } = setUp();
  assert.equal(state(), 'idle');
  topic.write(new Batch(settled.messages(1)));
  assert.equal(state(), 'sending');
  lane.observer.retrying(new TidegateError('TG_LOG_UNAVAILABLE', 'no answer'));
  assert.equal(state(), 'retrying');
  assert.match(warnings().join(), /repeating it until it does: no answer/);
  lane.observer.recovered();
  assert.equal(state(), 'sending');
  assert.match(infos().join(), /accepted again/);
  lane.observer.duplicatesPossible(new TidegateError('TG_LOG_FENCED', 'epoch'));
  assert.match(warnings().join(), /may have been written twice/);
  lane.stores();
  await turn();
  assert.equal(state(), 'idle');
});

test('messages that wait while a send is repeated go in the next one, also where no recovery is reported', async () => {
  const { topic, lane, settled, state } = setUp();
  topic.write(new Batch(settled.messages(1)));
  topic.write(new Batch([settled.message('more')]));
  lane.observer.retrying(new TidegateError('TG_LOG_UNAVAILABLE', 'no answer'));
  lane.stores();
  await turn();
  assert.deepEqual([lane.sends, state()], [[['0'], ['more']], 'sending']);
  lane.stores();
  await turn();
  assert.deepEqual([topic.pending, state()], [0, 'idle']);
});

test('drained resolves when everything is settled, also what is written meanwhile', async () => {
  const { topic, lane, settled } = setUp();
  await topic.drained();
  let isDrained = false;
  topic.write(new Batch(settled.messages(1)));
  const drained = topic.drained().then(() => {
    isDrained = true;
  });
  topic.write(new Batch([settled.message('more')]));
  lane.stores();
  await turn();
  assert.equal(isDrained, false);
  lane.stores();
  await drained;
  assert.equal(settled.outcomes.length, 2);
});

test('abandoned: waiting messages are refused, the send has an unknown outcome, no more is taken', async () => {
  const { topic, lane, settled, state } = setUp();
  const [first, second, third] = settled.messages(3);
  if (first === undefined || second === undefined || third === undefined) throw new Error('three were made');
  topic.write(new Batch([first]));
  topic.write(new Batch([second]));
  const drained = topic.drained();
  topic.actor.send({ type: 'ABANDON' });
  await turn();
  assert.deepEqual([...settled.byToken].sort(), [
    [0, ['TG_LOG_UNAVAILABLE']],
    [1, ['TG_STOPPING']],
  ]);
  await drained;
  topic.write(new Batch([third]));
  assert.deepEqual(settled.byToken.get(2), ['TG_STOPPING']);
  assert.deepEqual([lane.sends, lane.isAbandoned, state(), topic.pending], [[['0']], true, 'abandoned', 0]);
});

test('an outage is a warning once, and the next one of the same kind is again', () => {
  const { topic, lane, settled, warnings } = setUp();
  topic.write(new Batch(settled.messages(1)));
  for (let outage = 1; outage <= 2; outage += 1) {
    for (let tries = 0; tries < 3; tries += 1) lane.observer.retrying(new TidegateError('TG_DISK_FULL', 'no space'));
    assert.equal(warnings().length, outage);
    lane.observer.recovered();
  }
});
