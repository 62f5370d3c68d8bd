import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CountingObserver, NOTHING_WRONG, openLog, reckon, records } from '../faults/log-fixture.ts';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { cutProduceAnswers, requireKafkaBehindProxy } from '../services/fault-proxy.ts';

const DURATION = Number(process.env.SOAK_SECONDS ?? 60) * 1_000;
const LANES = 3;
const PARTITIONS = 3;
const SEND = 100;

/*
 * The chaos that broke each simpler way to write (kafkajs's idempotent producer: up to 5,760 acknowledged records lost in
 * twelve seconds): 3 % of the answers to Produce requests are replaced by a cut, after the broker has appended.
 */
test(`chaos for ${DURATION / 1_000} s: no acknowledged record is lost or doubled, and no order goes back`, {
  timeout: DURATION + 240_000,
}, async (t) => {
  const both = await requireKafkaBehindProxy(t, { properties: { 'group.initial.rebalance.delay.ms': '0' } });
  if (both === undefined) return;
  const { kafka, proxy } = both;
  const log = await openLog(t, kafka.brokers);
  const end = Date.now() + DURATION;
  proxy.cutAnswer = cutProduceAnswers(0.03, 20_260_101);

  const lanes = await Promise.all(
    Array.from({ length: LANES }, async () => {
      const topic = uniqueTopic('chaos');
      await log.admin.create({ name: topic, partitions: PARTITIONS });
      return { topic, observer: new CountingObserver(), acked: [] as number[] };
    }),
  );
  await Promise.all(
    lanes.map(async ({ topic, observer, acked }) => {
      const lane = log.lane(topic, observer);
      for (let from = 0; Date.now() < end; from += SEND) {
        // Half of them with a key, and always the same number: equal batches are what hides a loss.
        const messages = records(from, SEND).map((message, at) =>
          at % 2 === 0 ? message : message.derive({ key: `k${at % 50}` }),
        );
        assert.deepEqual(await lane.send(messages), []);
        for (const { text } of messages) acked.push(Number(text));
      }
    }),
  );
  proxy.cutAnswer = () => false;

  let outages = 0;
  let acknowledged = 0;
  for (const { topic, observer, acked } of lanes) {
    const stored = await readTopic(kafka.brokers, topic);
    assert.deepEqual(reckon(acked, stored), NOTHING_WRONG);
    assert.equal(stored.length, acked.length);
    assert.equal(observer.duplicates, 0);
    outages += observer.outages;
    acknowledged += acked.length;
  }
  t.diagnostic(`${acknowledged} records, ${proxy.cuts} answers cut, ${outages} outages`);
  assert.ok(proxy.cuts > DURATION / 3_000, `only ${proxy.cuts} answers were cut`);
});
