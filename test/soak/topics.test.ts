import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMIT_INTERVAL, TopicChaos } from '../faults/topic-chaos.ts';
import { requireOwnKafka } from '../services/kafka.ts';

const SECONDS = Number(process.env.SOAK_SECONDS ?? 60);
const RATE = 5_000;
const CLIENTS = 100;
/** Seconds that a gateway lives; its session needs six to end after it was killed. */
const LIFE = 12;
/** What a pong, a commit or the end of a process may take on a machine that is busy, in milliseconds. */
const SLACK = 2_000;

/*
 * The short one in test/faults, for as long as one likes: clients are killed all the while, and every few seconds the
 * oldest of three gateways, with all its clients; another one takes its place.
 */
test(`a group under fire for ${SECONDS} s: no loss, order kept, only uncommitted records repeated`, {
  timeout: SECONDS * 3_000 + 240_000,
}, async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const chaos = await TopicChaos.start(t, kafka.brokers, 12);
  const records = SECONDS * RATE;
  let gateways = 0;
  const another = async () => {
    gateways += 1;
    const name = `g${gateways}`;
    await chaos.startGateway(name);
    await chaos.join(name, CLIENTS);
  };
  for (let n = 0; n < 3; n += 1) await another();
  const producing = chaos.produce(records, RATE);
  const stopKilling = chaos.keepKilling(100);
  for (let next = LIFE * RATE; next < records; next += LIFE * RATE) {
    await chaos.reaches(next);
    const [oldest] = chaos.gateways.keys();
    if (oldest !== undefined) await chaos.killGateway(oldest);
    await another();
  }
  await producing;
  await stopKilling();

  const { faults, repeats } = await chaos.end(90_000);
  t.diagnostic(`${gateways} gateways; ${chaos.describe()}`);
  assert.deepEqual(faults.slice(0, 10), []);
  assert.equal(chaos.ledger.distinct, records);
  for (const [cause, { age }] of Object.entries(repeats))
    assert.ok(age <= COMMIT_INTERVAL + SLACK, `${cause}: a record that came ${age} ms before is not committed`);
});
