import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigObject } from '../../../src/index.ts';
import { until } from '../../helpers/gateway-process.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';

/** Doubles each number, ends the odd ones, and has more results at a time than may be in flight. */
const CONFIG: ConfigObject = {
  ...MEMORY,
  pipelines: {
    even: {
      source: { topic: { names: ['numbers'], group: 'even', from: 'earliest' } },
      exactly_once: true,
      transaction: { interval: '20ms' },
      processors: [{ filter: { keep: '${! json.n % 2 = 0 }' } }, { map: { json: '${! { "n": json.n * 2 } }' } }],
      sink: { topic: { name: 'doubled' } },
      on_error: { dead_letter: 'bad' },
    },
    windows: {
      source: { topic: { names: ['numbers'], group: 'windows', from: 'earliest' } },
      exactly_once: true,
      batch: { count: 4 },
      in_flight: { messages: 8 },
      processors: [{ window: { tumbling: '1s', time: '${! json.at }', aggregate: { n: 'count' } } }],
      sink: { topic: { name: 'counted' } },
      on_error: { skip: true },
    },
    seen: {
      source: { topic: { names: ['doubled', 'counted', 'bad'], from: 'earliest' } },
      sink: { topic: { name: 'copy' } },
      broadcast: true,
    },
  },
};

test('exactly_once stores results, dead letters and windows of more keys than may be in flight', async (t) => {
  const gateway = await gatewayOf(t, CONFIG);
  const values = new Map<string, string[]>();
  gateway.on('consumer-message', ({ topic, value }) => {
    values.set(topic, [...(values.get(topic) ?? []), String(value)]);
  });
  await ready(gateway);
  for (let n = 0; n < 40; n += 1)
    await gateway.topic('numbers').publish({ value: JSON.stringify({ n, at: 1_000_000 }), key: `k${n}` });
  await gateway.topic('numbers').publish({ value: 'no JSON', key: 'k1' });
  // Ends the windows of the partition of each key.
  for (let n = 0; n < 40; n += 1)
    await gateway.topic('numbers').publish({ value: JSON.stringify({ n: 1, at: 2_000_000 }), key: `k${n}` });
  await until(
    () => values.get('counted')?.length === 40 && values.get('doubled')?.length === 20 && values.has('bad'),
    20_000,
    () => JSON.stringify([...values].map(([topic, { length }]) => [topic, length])),
  );
  assert.deepEqual(
    values.get('doubled')?.map((text) => JSON.parse(text).n),
    Array.from({ length: 20 }, (_, at) => at * 4),
  );
  assert.deepEqual(values.get('bad'), ['no JSON']);
  assert.ok(values.get('counted')?.every((text) => JSON.parse(text).n === 1));
});

/** Three topics get a copy of each record; one of them takes no record without a key. */
const COPIES: ConfigObject = {
  ...MEMORY,
  log: {
    driver: 'embedded',
    embedded: { memory: true },
    topics: { keyed: { config: { 'cleanup.policy': 'compact' } } },
  },
  pipelines: {
    copies: {
      source: { topic: { names: ['orders'], group: 'copies', from: 'earliest' } },
      exactly_once: true,
      transaction: { interval: '20ms' },
      sink: {
        all: [
          { topic: { name: 'audit' } },
          { topic: { name: 'keyed' } },
          { route: [{ when: '${! json.n > 1 }', sink: { topic: { name: 'large' } } }, { sink: 'drop' }] },
        ],
      },
      on_error: { dead_letter: 'bad' },
    },
    seen: {
      source: { topic: { names: ['audit', 'keyed', 'large', 'bad'], from: 'earliest' } },
      sink: { topic: { name: 'copy' } },
      broadcast: true,
    },
  },
};

test('exactly_once stores the copies of all, and the dead letter of a record of which one copy is refused', async (t) => {
  const gateway = await gatewayOf(t, COPIES);
  const values = new Map<string, string[]>();
  gateway.on('consumer-message', ({ topic, value }) => {
    if (topic !== 'orders') values.set(topic, [...(values.get(topic) ?? []), String(value)]);
  });
  await ready(gateway);
  for (const n of [1, 2, 3]) await gateway.topic('orders').publish({ value: JSON.stringify({ n }), key: `k${n}` });
  await gateway.topic('orders').publish({ value: '{"n":4}' });
  await gateway.topic('orders').publish({ value: '{"n":5}', key: 'k5' });
  const of = (...numbers: number[]) => numbers.map((n) => `{"n":${n}}`);
  const expected = { audit: of(1, 2, 3, 4, 5), bad: of(4), keyed: of(1, 2, 3, 5), large: of(2, 3, 4, 5) };
  const all = () => Object.fromEntries([...values].map(([topic, some]) => [topic, some.toSorted()]));
  await until(
    () => Object.values(expected).flat().length <= [...values.values()].flat().length,
    10_000,
    () => JSON.stringify(all()),
  );
  assert.deepEqual(all(), expected);
});
