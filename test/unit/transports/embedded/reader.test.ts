import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Gap, ReaderOptions } from '../../../../src/core/log.ts';
import { EmbeddedReader } from '../../../../src/transports/embedded/fetch/reader.ts';
import { append, message, openStore, parts } from './parts.ts';

const turns = async (count = 8) => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

async function setUp(t: TestContext, partitions = 1) {
  const store = await openStore(t);
  const create = async (name: string, count: number) => {
    const topic = await store.createTopic(name, count, {});
    assert.ok(topic !== undefined);
    return topic;
  };
  const topic = await create('t', partitions);
  for (const partition of topic.partitions) await append(store, partition, [message('a'), message('b')]);
  const closed: EmbeddedReader[] = [];
  const read = (options: Partial<ReaderOptions> = {}) => {
    const reader = new EmbeddedReader(
      { topics: ['t'], from: 'earliest', ...options },
      { store, stats: parts().stats, closed: (one) => void closed.push(one) },
    );
    const texts: string[] = [];
    const gaps: Gap[] = [];
    const ends: unknown[] = [];
    reader.gaps$.subscribe({ next: (gap) => gaps.push(gap), complete: () => ends.push('no more gaps') });
    const subscription = reader.batches$.subscribe({
      next: ({ messages }) => texts.push(...messages.map((one) => `${one.topic}/${one.partition}/${one.text}`)),
      error: (error) => ends.push(error.code),
      complete: () => ends.push('end'),
    });
    return { reader, texts, gaps, ends, subscription };
  };
  return { store, topic, create, read, closed };
}

test('a reader that fails ends with the reason, is closed, and looks at nothing any more', async (t) => {
  const { store, topic, read, closed } = await setUp(t);
  store.records.read = () => {
    throw new Error('the page cannot be read');
  };
  const { reader, ends } = read();
  await turns();
  assert.deepEqual(ends, ['no more gaps', 'TG_LOG_UNAVAILABLE']);
  assert.deepEqual([closed, store.watchers.size, topic.partitions[0]?.watchers.size], [[reader], 0, 0]);
  await reader.close();
  assert.equal(closed.length, 1);
});

test('a reader that is closed completes once, and one whose reader is gone is closed', async (t) => {
  const { store, read, closed } = await setUp(t);
  const { reader, ends } = read();
  await reader.live;
  await reader.close();
  await reader.close();
  assert.deepEqual([ends, closed], [['no more gaps', 'end'], [reader]]);
  const other = read();
  await other.reader.live;
  other.subscription.unsubscribe();
  assert.deepEqual([closed.length, store.watchers.size], [2, 0]);
});

test('a reader is read once', async (t) => {
  const { read } = await setUp(t);
  const { reader, texts } = read();
  const errors: string[] = [];
  reader.batches$.subscribe({ error: (error) => errors.push(error.code) });
  assert.deepEqual(errors, ['TG_LOG_UNAVAILABLE']);
  await turns();
  assert.deepEqual(texts, ['t/0/a', 't/0/b']);
  await reader.close();
  reader.batches$.subscribe({ error: (error) => errors.push(error.code) });
  assert.equal(errors.length, 2);
});

test('a reader that is closed before it is live never becomes that', async (t) => {
  const { read } = await setUp(t);
  const { reader, ends } = read();
  const live = assert.rejects(reader.live, { code: 'TG_LOG_UNAVAILABLE', message: /closed before it was live/ });
  await reader.close();
  await live;
  assert.deepEqual(ends, ['no more gaps', 'end']);
});

test('later topics and partitions are read from the first record, earlier ones from the configured start', async (t) => {
  const { store, topic, create, read } = await setUp(t);
  const { reader, texts } = read({ topics: ['t', 'later'], from: 'latest' });
  await reader.live;
  assert.deepEqual(reader.positions(), new Map([['t', new Map([[0, 2]])]]));
  await store.addPartitions(topic, 2);
  const later = await create('later', 1);
  for (const partition of [...topic.partitions, ...later.partitions]) await append(store, partition, [message('new')]);
  await turns();
  assert.deepEqual(texts.sort(), ['later/0/new', 't/0/new', 't/1/new']);
  const positions = [...reader.positions()].map(([name, offsets]) => [name, [...offsets]]);
  assert.deepEqual(positions, [
    [
      't',
      [
        [0, 3],
        [1, 1],
      ],
    ],
    ['later', [[0, 1]]],
  ]);
  await reader.close();
});

test('a reader that is paused reads nothing, and then what came meanwhile', async (t) => {
  const { store, topic, read } = await setUp(t);
  const { reader, texts } = read();
  reader.pause();
  await reader.live;
  await turns();
  assert.deepEqual(texts, []);
  assert.ok(topic.partitions[0] !== undefined);
  await append(store, topic.partitions[0], [message('c')]);
  reader.resume();
  await turns();
  assert.deepEqual(texts, ['t/0/a', 't/0/b', 't/0/c']);
  await reader.close();
});

test('a topic that is created again is read from its first record, behind a gap from where it was', async (t) => {
  const { store, topic, create, read } = await setUp(t);
  const { reader, texts, gaps } = read();
  await turns();
  await store.deleteTopic(topic);
  assert.deepEqual(reader.checkpoint(), new Map([['t', { id: '1', offsets: new Map([[0, 2]]) }]]));
  const again = await create('t', 1);
  assert.ok(again.partitions[0] !== undefined);
  await append(store, again.partitions[0], [message('new')]);
  await turns();
  assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 2, to: 0, recreated: true }]);
  assert.deepEqual(texts, ['t/0/a', 't/0/b', 't/0/new']);
  await reader.close();
});
