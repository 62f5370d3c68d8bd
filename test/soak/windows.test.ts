import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GatewayProcess, until } from '../helpers/gateway-process.ts';
import { WindowedCount } from '../helpers/windowed-count.ts';
import { requireOwnKafka } from '../services/kafka.ts';

const KILLS = Number(process.env.SOAK_KILLS ?? 20);
/** Seconds of clicks between two kills, and how long they take to come. */
const SECONDS = 15;
const PAUSE = 3_000;

/*
 * Three gateways count by windows, and the oldest of them is killed every few seconds while clicks come; another one takes
 * its place. Some windows come twice, as their results were stored and that was not committed.
 */
test(`windows over 12 partitions survive ${KILLS} kills: each comes, and none has a wrong count`, {
  timeout: KILLS * 60_000 + 240_000,
}, async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const counting = await WindowedCount.start(t, kafka.brokers, { partitions: 12, keys: 200 });
  const gateways: GatewayProcess[] = await Promise.all([1, 2, 3].map(() => counting.gateway()));
  for (let kill = 0; kill < KILLS; kill += 1) {
    for (let part = 0; part < 3; part += 1) {
      await counting.produce(SECONDS / 3);
      await new Promise((resolve) => setTimeout(resolve, PAUSE / 3));
    }
    await gateways.shift()?.stop('SIGKILL');
    gateways.push(await counting.gateway());
  }
  await counting.produceTheEnd();
  await until(
    async () => (await counting.stored()).size >= counting.expected.size,
    180_000,
    () => `not all windows have come\n${gateways.at(-1)?.output().slice(-2_000)}`,
  );
  assert.deepEqual((await counting.faults()).slice(0, 10), []);
  const stored = [...(await counting.stored()).values()];
  t.diagnostic(`${stored.length} windows, ${stored.filter((counts) => counts.length > 1).length} of them twice`);
});
