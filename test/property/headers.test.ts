import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Header, TopicRecord } from '../../src/index.ts';
import { anyHeaders } from '../../src/testing/arbitraries/headers.ts';
import { asBytes } from '../../src/testing/contract/header-forms.ts';
import { gatewayOf, MEMORY, ready } from '../unit/library/rig.ts';

const TOPIC = { partitions: 1 };
/** Reads `from`, and writes what comes, changed or not, to other topics of one partition. */
const CONFIG = {
  ...MEMORY,
  log: { ...MEMORY.log, topics: { from: TOPIC, copies: TOPIC, changed: TOPIC, letters: TOPIC } },
  pipelines: {
    copy: {
      source: { topic: { names: ['from'], group: 'copy', from: 'earliest' } },
      sink: { topic: { name: 'copies' } },
    },
    change: {
      source: { topic: { names: ['from'], group: 'change', from: 'earliest' } },
      processors: [{ map: { headers: { a: '${! $count(headers_all.b) }' } } }],
      sink: { topic: { name: 'changed', headers: { 1: 'one' } } },
    },
    fail: {
      source: { topic: { names: ['from'], group: 'fail', from: 'earliest' } },
      processors: [{ map: { json: '${! json.none }' } }],
      sink: { topic: { name: 'copies' } },
      on_error: { dead_letter: 'letters' },
    },
  },
};

const OURS = /^tidegate-/;

test('headers of a record survive the log, a copy to a topic and a dead letter; a change keeps the others', async (t) => {
  const gateway = await gatewayOf(t, CONFIG);
  const seen: Record<string, TopicRecord[]> = {};
  let check = () => {};
  for (const topic of Object.keys(CONFIG.log.topics)) {
    const records: TopicRecord[] = [];
    seen[topic] = records;
    gateway.topic(topic).records$.subscribe((record) => {
      records.push(record);
      check();
    });
  }
  await ready(gateway);
  const all = (count: number) =>
    new Promise<void>((resolve) => {
      check = () => {
        if (Object.values(seen).every((records) => records.length >= count)) resolve();
      };
      check();
    });
  let written = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyHeaders, { minLength: 1, maxLength: 30 }), async (lists) => {
      const from = written;
      written += lists.length;
      await Promise.all(lists.map((headers) => gateway.topic('from').publish({ value: 'no json', headers })));
      await all(written);
      const headersIn = (topic: string) => (seen[topic] ?? []).slice(from, written).map(({ headers }) => headers);
      const sent: (readonly Header<Buffer | null>[])[] = lists.map((headers) => asBytes(headers) as never);
      assert.deepEqual(headersIn('from'), sent);
      assert.deepEqual(headersIn('copies'), sent);
      const without = (isOurs: (name: string) => boolean) => (headers: readonly Header<Buffer | null>[]) =>
        headers.filter(([name]) => !isOurs(name));
      const isSet = (name: string) => name === 'a' || name === '1';
      assert.deepEqual(headersIn('changed').map(without(isSet)), sent.map(without(isSet)));
      for (const headers of headersIn('changed')) assert.equal(headers.filter(([name]) => isSet(name)).length, 2);
      assert.deepEqual(headersIn('letters').map(without((name) => OURS.test(name))), sent);
    }),
    { numRuns: 25 },
  );
});
