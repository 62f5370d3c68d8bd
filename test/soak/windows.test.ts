import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommittedReader } from '../helpers/committed-reader.ts';
import { type GatewayProcess, until } from '../helpers/gateway-process.ts';
import { WindowedCount } from '../helpers/windowed-count.ts';
import { requireOwnKafka } from '../services/kafka.ts';

const KILLS = Number(process.env.SOAK_KILLS ?? 20);
/** Seconds of clicks between two kills, and how long they take to come. */
const SECONDS = 15;
const PAUSE = 3_000;

/*
 * Three gateways count by windows, and the oldest of them is killed every few seconds while clicks come; another one takes
 * its place. Without transactions some windows come twice, as their results were stored and that was not committed.
 */
for (const isOnce of [false, true])
  test(`windows over 12 partitions survive ${KILLS} kills${isOnce ? ', and each comes exactly once' : ''}`, {
    timeout: KILLS * 60_000 + 240_000,
  }, async (t) => {
    const kafka = await requireOwnKafka(t);
    if (kafka === undefined) return;
    let reader: CommittedReader | undefined;
    const read = async (brokers: string, topic: string) => {
      reader ??= await CommittedReader.start(t, brokers, topic);
      return reader.values.map((value) => ({ value }));
    };
    const options = { partitions: 12, keys: 200, pipeline: isOnce ? 'exactly_once: true' : '', read };
    const counting = await WindowedCount.start(t, kafka.brokers, options);
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
    let missing: string[] = [];
    await until(
      async () => {
        const stored = await counting.stored();
        missing = [...counting.expected.keys()].filter((window) => !stored.has(window));
        return missing.length === 0;
      },
      180_000,
      () => {
        const lines = gateways.map((gateway) => gateway.output().slice(-2_000));
        return `${missing.length} windows have not come: ${missing.slice(0, 10).join(', ')}\n${lines.join('\n')}`;
      },
    );
    // What comes twice may come later.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.deepEqual((await counting.faults()).slice(0, 10), []);
    const stored = [...(await counting.stored()).values()];
    const twice = stored.filter((counts) => counts.length > 1).length;
    t.diagnostic(`${stored.length} windows, ${twice} of them twice`);
    if (isOnce) assert.equal(twice, 0);
  });
