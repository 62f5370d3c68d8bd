import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { EmbeddedAdmin } from '../../../../src/transports/embedded/admin.ts';
import { storeIn } from '../../../../src/transports/embedded/disk-storage.ts';
import { Coordinators } from '../../../../src/transports/embedded/group/coordinators.ts';
import { openStore, parts, temporary } from './parts.ts';

async function adminOf(t: TestContext) {
  const store = await openStore(t);
  return new EmbeddedAdmin(() => store, 1_000, new Coordinators(() => store, parts().stats));
}

const invalid = (message: RegExp) => ({ code: 'TG_TOPIC_INVALID', message });

test('a topic has 1 to 10,000 partitions, and one by default', async (t) => {
  const admin = await adminOf(t);
  for (const partitions of [0, -1, 1.5, 10_001, Number.NaN])
    await assert.rejects(
      admin.create({ name: 't', partitions }),
      invalid(/is not a number of partitions \(1 to 10000\)/),
    );
  assert.equal(await admin.create({ name: 'one' }), true);
  assert.equal(await admin.create({ name: 'most', partitions: 10_000 }), true);
  assert.deepEqual(
    await admin.topics(),
    new Map([
      ['most', 10_000],
      ['one', 1],
    ]),
  );
  await assert.rejects(admin.addPartitions('most', 10_001), invalid(/there can only be more, not 10001/));
});

test('a topic gets more partitions, and neither as many as it has nor fewer', async (t) => {
  const admin = await adminOf(t);
  await admin.create({ name: 't', partitions: 2 });
  for (const total of [1, 2]) await assert.rejects(admin.addPartitions('t', total), invalid(/has 2 partitions/));
  await admin.addPartitions('t', 3);
  assert.equal((await admin.describe('t'))?.partitions, 3);
});

test('a name has 1 to 249 characters, and is not a directory of its own or the one above', async (t) => {
  const admin = await adminOf(t);
  for (const name of ['', '.', '..', 'x'.repeat(250), 'a b', 'a/b'])
    await assert.rejects(admin.create({ name }), invalid(/a name is 1 to 249 letters/), name);
  for (const name of ['...', '.a', 'x'.repeat(249), 'A-z_0.9']) assert.equal(await admin.create({ name }), true, name);
});

test('settings are checked for what they mean, and others are kept', async (t) => {
  const admin = await adminOf(t);
  const create = (config: Readonly<Record<string, string>>) => admin.create({ name: 't', config });
  for (const key of [
    'retention.ms',
    'retention.bytes',
    'max.message.bytes',
    'delete.retention.ms',
    'min.cleanable.dirty.ratio',
  ])
    for (const value of ['many', '-2', 'NaN'])
      await assert.rejects(create({ [key]: value }), invalid(new RegExp(`${key} is a number, not "${value}"`)));
  await assert.rejects(create({ 'cleanup.policy': 'compact,shred' }), invalid(/not "compact,shred"/));
  const config = { 'cleanup.policy': 'compact, delete', 'retention.ms': '-1', 'max.message.bytes': '500', other: 'x' };
  assert.equal(await create(config), true);
  assert.equal((await admin.describe('t'))?.maxMessageBytes, 500);
  await admin.create({ name: 'other' });
  assert.equal((await admin.describe('other'))?.maxMessageBytes, 1_000);
});

test('what a group has committed is set for partitions that there are', async (t) => {
  const admin = await adminOf(t);
  await admin.create({ name: 't', partitions: 2 });
  const missing = { code: 'TG_TOPIC_MISSING', message: /the topic t has no partition 2/ };
  await assert.rejects(admin.setCommitted('g', 't', new Map([[2, 1]])), missing);
  await assert.rejects(admin.setCommitted('g', 'x', new Map()), { code: 'TG_TOPIC_MISSING' });
  await admin.setCommitted('g', 't', new Map([[1, 0]]));
  assert.deepEqual(await admin.committed('g', 't'), new Map([[1, 0]]));
});

test('a log has an id of its own, so that positions of one that is gone mean nothing in the next', async (t) => {
  const [admin, other] = [await adminOf(t), await adminOf(t)];
  const id = await admin.clusterId();
  assert.match(id, /^embedded-[0-9a-z]+$/);
  assert.equal(await admin.clusterId(), id);
  assert.notEqual(await other.clusterId(), id);
});

test('a log keeps its id when it is opened again', async (t) => {
  const directory = await temporary(t);
  const first = storeIn(directory, false);
  const id = await first.identity();
  await first.close();
  const second = storeIn(directory, false);
  t.after(() => second.close());
  assert.equal(await second.identity(), id);
});
