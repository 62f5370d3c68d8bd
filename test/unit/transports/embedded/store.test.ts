import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TidegateError } from '../../../../src/core/errors.ts';
import { storeIn } from '../../../../src/transports/embedded/disk-storage.ts';
import { Environment } from '../../../../src/transports/embedded/file/environment.ts';
import { encodeBatches, outgoing } from '../../../../src/transports/embedded/records/batch-format.ts';
import { CommittedOffsets } from '../../../../src/transports/embedded/records/committed-offsets.ts';
import { Records } from '../../../../src/transports/embedded/records/records.ts';
import type { TopicState } from '../../../../src/transports/embedded/records/topic-state.ts';
import { append, message, onePartition, openStore, readAll, temporary } from './parts.ts';

describe('the topics of the embedded log', () => {
  test('a topic made again under its old name holds nothing of what it was', async (t) => {
    const store = await openStore(t);
    const before = await onePartition(store);
    await append(store, before, [message('old')]);
    await store.offsets.commit('g', new Map([[before, { offset: 1 }]]));
    await store.deleteTopic(before.topic);
    const after = await onePartition(store);
    assert.deepEqual([after.start, after.end, after.bytes], [0, 0, 0]);
    assert.equal(store.offsets.of('g', after)?.offset, undefined);
    await append(store, after, [message('new')]);
    assert.deepEqual(
      readAll(store, after).map(({ text, offset }) => [text, offset]),
      [['new', 0]],
    );
  });

  test('a topic that is deleted leaves no batch and no offset behind, however many there were', async (t) => {
    const store = await openStore(t);
    const before = await onePartition(store);
    const batches = Array.from({ length: 200 }, (_, at) => encodeBatches([outgoing(message(`m${at}`), 1)])).flat();
    await store.records.append([{ partition: before, batches }]);
    for (let group = 0; group < 100; group += 1)
      await store.offsets.commit(`g${group}`, new Map([[before, { offset: 1 }]]));
    const other = await store.createTopic('other', 1, {});
    const kept = other?.partitions[0];
    assert.ok(kept !== undefined);
    await append(store, kept, [message('kept')]);
    await store.deleteTopic(before.topic);
    assert.deepEqual([...store.records.batches(before, 0)], []);
    assert.equal(store.offsets.of('g99', before)?.offset, undefined);
    assert.deepEqual(
      readAll(store, kept).map(({ text }) => text),
      ['kept'],
    );
  });

  test('what was to be stored in a topic that is deleted meanwhile is stored nowhere', async (t) => {
    const store = await openStore(t);
    const partition = await onePartition(store);
    const late = message('late');
    const batches = encodeBatches([outgoing(late, 1)]);
    const deleted = store.deleteTopic(partition.topic);
    await assert.rejects(
      store.records.append([{ partition, batches }]),
      (error) => error instanceof TidegateError && error.code === 'TG_TOPIC_MISSING',
    );
    await deleted;
    assert.deepEqual([...store.records.batches(partition, 0)], []);
  });

  test('the rest of a deletion that a crash cut short is gone after the next start', async (t) => {
    const directory = await temporary(t);
    const orphan: TopicState = { id: 1, name: 'orphan', config: {}, partitions: [], deleted: false };
    const environment = new Environment(directory, true);
    const records = new Records(environment);
    const offsets = new CommittedOffsets(environment);
    await environment.transact(() => {
      environment.counts.putSync('topics', orphan.id);
      records.create(orphan.id, 0);
    });
    const partition = records.load(orphan, 0);
    const one = message('x');
    await records.append([{ partition, batches: encodeBatches([outgoing(one, 1)]) }]);
    await offsets.commit('g', new Map([[partition, { offset: 1 }]]));
    await environment.close();

    const store = storeIn(directory, true);
    t.after(() => store.close());
    assert.equal([...store.records.batches(partition, 0)].length, 1);
    await store.removeOrphans();
    assert.deepEqual([...store.records.batches(partition, 0)], []);
    assert.equal(store.offsets.of('g', partition)?.offset, undefined);
  });
});
