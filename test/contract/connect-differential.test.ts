import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';
import { connectorCalls, lastCalls } from './connect/connector-calls.ts';
import { KNOWN, type Known } from './connect/known.ts';
import { offsetCalls } from './connect/offset-calls.ts';
import { compare, type Difference } from './connect/side.ts';
import { transformCalls } from './connect/transform-calls.ts';
import { recordCases } from './connect/transform-cases.ts';
import { ourOutcomes, ourRecords, workerOutcomes, workerRecords } from './connect/transform-records.ts';
import { ourSide, workerSide } from './connect/two-sides.ts';
import { workerCalls } from './connect/worker-calls.ts';

test('every call is answered as a real Kafka Connect does', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const topic = uniqueTopic('lines');
  const admin = await KafkaAdmin.connect(t, kafka.brokers);
  await admin.create(topic);
  const worker = await workerSide(t, kafka.brokers, topic);
  if (worker === undefined) return;
  const ours = await ourSide(t);
  const met = new Set<Known>();
  const calls = { ...workerCalls, ...transformCalls, ...connectorCalls, ...offsetCalls, ...lastCalls };
  for (const [name, steps] of Object.entries(calls))
    await t.test(name, async () => {
      const surprises: Difference[] = [];
      for (const step of steps) {
        const differences = await compare(step, worker, ours);
        for (const difference of differences) {
          const known = KNOWN.find(({ holds }) => holds(difference, differences));
          if (known === undefined) surprises.push(difference);
          else met.add(known);
        }
      }
      assert.equal(surprises.map(lineOf).join('\n'), '');
    });
  await t.test('transforms make the same records, in a sink and in a source', async (t) => {
    const [cases, lines] = [uniqueTopic('cases'), uniqueTopic('lines')];
    await admin.create(cases);
    const [theirOutcomes, outcomes, theirRecords, records] = await Promise.all([
      workerOutcomes(t, worker.api, admin, cases),
      ourOutcomes(t, cases),
      workerRecords(t, worker.api, kafka.brokers, admin, lines),
      ourRecords(t, lines),
    ]);
    for (const [at, [value, ...transforms]] of recordCases.entries()) {
      const what = `${value} ${JSON.stringify(transforms)}`;
      assert.deepEqual(outcomes.get(String(at)), theirOutcomes.get(String(at)), what);
    }
    assert.ok(theirOutcomes.size > recordCases.length / 2, 'most of the cases have an outcome');
    assert.deepEqual(records, theirRecords);
  });
  await t.test('each known difference is one still', () => {
    assert.deepEqual(
      KNOWN.filter((known) => !met.has(known)).map(({ why }) => why),
      [],
    );
  });
});

function lineOf({ step, what, worker, ours }: Difference): string {
  return `${step}: ${what}: ${JSON.stringify(worker)} of a worker, ${JSON.stringify(ours)} here`;
}
