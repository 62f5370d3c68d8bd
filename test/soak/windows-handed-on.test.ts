import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../helpers/gateway-process.ts';
import { WindowedCount } from '../helpers/windowed-count.ts';
import { requireKafka } from '../services/kafka.ts';

test('each window comes with its right count when gateways are killed, stopped and started', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const counting = await WindowedCount.start(t, kafka.brokers);
  const [first, second] = await Promise.all([counting.gateway(), counting.gateway()]);
  await counting.produce(25);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await counting.produce(8);
  await first.stop('SIGKILL');
  await counting.produce(30);
  const third = await counting.gateway();
  await counting.produce(17);
  assert.equal(await second.stop(), 0);
  await counting.produceTheEnd();
  await until(
    async () => (await counting.stored()).size >= counting.expected.size,
    60_000,
    () => `not all windows have come\n${third.output().slice(-2_000)}`,
  );
  assert.equal(await third.stop(), 0);

  assert.deepEqual(await counting.faults(), []);
  const stored = await counting.stored();
  const twice = [...stored.values()].filter((counts) => counts.length > 1).length;
  t.diagnostic(`${stored.size} windows, ${twice} of them twice`);
});
