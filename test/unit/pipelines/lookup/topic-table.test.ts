import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Batch } from '../../../../src/core/batch.ts';
import { Message } from '../../../../src/core/message.ts';
import { lookupOf } from './rig.ts';

const record = (key: string | null, value: string | null) =>
  value === null
    ? new Message(Buffer.alloc(0), { key, meta: { tombstone: true } })
    : new Message(Buffer.from(value), { key });

function tableOf(settings: object = {}, topic: object = {}) {
  const made = lookupOf({ key: '${! json.user }', topic: { name: 'users', ...topic }, into: 'user', ...settings });
  const [follower = assert.fail()] = made.followers;
  const give = (...records: readonly (readonly [string | null, string | null])[]) =>
    follower.options.next(new Batch(records.map(([key, value]) => record(key, value))));
  return { ...made, follower, give };
}

test('a table is read to its end before it is open, and followed from then on', async () => {
  const { processor, process, give, follower } = tableOf();
  let isOpen = false;
  const opening = Promise.resolve(processor.open?.()).then(() => {
    isOpen = true;
  });
  assert.deepEqual([follower.isOpen, follower.options.from], [true, 'earliest']);
  give(['ada', '{"name":"Ada"}']);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isOpen, false);
  follower.catchUp();
  await opening;
  assert.equal(await process('{"user":"ada"}'), '{"user":{"name":"Ada"}}');
  give(['ada', '{"name":"Ada L."}'], [null, '{"name":"none"}']);
  assert.equal(await process('{"user":"ada"}'), '{"user":{"name":"Ada L."}}');
  give(['ada', null]);
  assert.equal(await process('{"user":"ada"}'), '{"user":"ada"}');
});

test('numbers keep all their digits, also where what was found is merged', async () => {
  const { process, give } = tableOf({ into: undefined });
  give(['7', '{"id":9007199254740993,"price":1.10,"__proto__":{"a":1}}']);
  assert.equal(
    await process('{"user":7,"order":12345678901234567890}'),
    '{"user":7,"order":12345678901234567890,"id":9007199254740993,"price":1.10,"__proto__":{"a":1}}',
  );
});

test('a topic that is deleted and created again leaves nothing of the old one', async () => {
  const { process, give, follower } = tableOf({ on_miss: 'filter' });
  give(['ada', '1']);
  follower.options.recreated?.('users');
  assert.equal(await process('{"user":"ada"}'), null);
});

test('a table that is full fails keys that it does not have, and says what to raise, once in the log', async () => {
  const { process, give, lines } = tableOf({}, { keys: 2 });
  give(['a', '1'], ['b', '2'], ['c', '3'], ['d', '4']);
  assert.equal(await process('{"user":"a"}'), '{"user":1}');
  await assert.rejects(process('{"user":"c"}'), { code: 'TG_STATE_FULL', message: /users has more than the 2 keys/ });
  assert.equal(lines.filter(({ level }) => level === 'error').length, 1);
  const bytes = tableOf({}, { bytes: '1KiB' });
  bytes.give(['a', `"${'x'.repeat(600)}"`], ['b', `"${'x'.repeat(600)}"`]);
  await assert.rejects(bytes.process('{"user":"b"}'), { code: 'TG_STATE_FULL' });
});

test('what becomes of a miss: keep, fail, filter or a default', async () => {
  const outcome = (on_miss: unknown) => tableOf({ on_miss }).process('{"user":"x","n":1}');
  assert.equal(await outcome('keep'), '{"user":"x","n":1}');
  assert.equal(await outcome('filter'), null);
  assert.equal(await outcome({ default: { n: '${! json.n }' } }), '{"user":{"n":1},"n":1}');
  await assert.rejects(outcome('fail'), { code: 'TG_PROCESSOR_FAILED' });
  const { process, count, give } = tableOf({ key: '${! key }' });
  give(['k', '1']);
  await assert.rejects(process('[1]', { key: 'k' }), { code: 'TG_MESSAGE_INVALID', message: /not a JSON object/ });
  assert.equal(await process('{}'), '{}');
  assert.deepEqual([count('tidegate_lookup_missed_total'), count('tidegate_lookup_found_total')], [1, 1]);
});

test('values that do not fit fail their message alone; text becomes a JSON string; tombstones pass', async () => {
  const json = tableOf({ into: undefined });
  json.give(['a', 'no JSON'], ['b', '[1]']);
  await assert.rejects(json.process('{"user":"a"}'), { code: 'TG_PROCESSOR_FAILED', message: /as: text/ });
  await assert.rejects(json.process('{"user":"b"}'), { code: 'TG_PROCESSOR_FAILED', message: /with into/ });
  const text = tableOf({}, { as: 'text' });
  text.give(['a', 'say "hi"']);
  assert.equal(await text.process('{"user":"a"}'), '{"user":"say \\"hi\\""}');
  assert.equal(await text.process('', { meta: { tombstone: true }, key: 'a' }), '');
});

test('closing ends an open that waits, the reading and the metrics', async () => {
  const { processor, follower, context } = tableOf();
  const opening = processor.open?.();
  processor.close?.();
  await opening;
  assert.equal(follower.isOpen, false);
  const stats = context.stats as unknown as { snapshot(): readonly { name: string; points: readonly unknown[] }[] };
  const gauges = stats.snapshot().filter(({ name }) => /lookup_(keys|bytes)/.test(name));
  assert.equal(gauges.flatMap(({ points }) => points).length, 0);
});

test('whatever is written, the table is that of the newest records, and counts what it has', async () => {
  const entry = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.option(fc.integer().map(String)));
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 40 }), async (entries) => {
      const { process, give, context } = tableOf({ on_miss: { default: 'none' } });
      const model = new Map<string, string>();
      for (const [key, value] of entries) {
        give([key, value]);
        if (value === null) model.delete(key);
        else model.set(key, value);
      }
      for (const key of ['a', 'b', 'c'])
        assert.equal(await process(`{"user":"${key}"}`), `{"user":${model.get(key) ?? '"none"'}}`);
      const stats = context.stats as unknown as {
        snapshot(): readonly { name: string; points: readonly { value: number }[] }[];
      };
      const gauge = (name: string) => stats.snapshot().find((one) => one.name === name)?.points[0]?.value;
      assert.equal(gauge('tidegate_lookup_keys'), model.size);
      assert.equal(
        gauge('tidegate_lookup_bytes'),
        [...model.values()].reduce((sum, value) => sum + 97 + value.length, 0),
      );
    }),
    { numRuns: 60 },
  );
});
