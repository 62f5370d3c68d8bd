import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoordinatedMember } from '../../../../src/transports/embedded/group/coordinator.ts';
import { Coordinators } from '../../../../src/transports/embedded/group/coordinators.ts';
import type { PartitionState } from '../../../../src/transports/embedded/records/topic-state.ts';
import type { GroupCommit } from '../../../../src/transports/group-commit.ts';
import { onePartition, openStore, parts } from './parts.ts';

/** Gives up its partitions with what it has settled. */
const member = (settled: ReadonlyMap<PartitionState, GroupCommit> = new Map()): CoordinatedMember => ({
  topics: new Set(['t']),
  from: 'earliest',
  later: new Set<string>(),
  label: undefined,
  topicIds: () => new Map(),
  rebalancing() {},
  revoke: () => settled,
  assign() {},
});

test('a group without members, whose offsets are stored, takes no memory', async (t) => {
  const store = await openStore(t);
  const partition = await onePartition(store);
  const groups = new Coordinators(() => store, parts().stats);
  const first = groups.of('g');
  const one = member();
  first.join(one);
  groups.letGo('g');
  assert.equal(groups.of('g'), first, 'it has a member');
  await first.commit(new Map([[partition, { offset: 3 }]]));
  first.leave(one);
  groups.letGo('g');
  assert.equal(groups.size, 0);
  assert.equal(store.offsets.of('g', partition)?.offset, 3);
});

test('a group that knows more than the store is kept until that is stored, or is no longer needed', async (t) => {
  const store = await openStore(t);
  const partition = await onePartition(store);
  const groups = new Coordinators(() => store, parts().stats);
  const leave = (name: string) => {
    const one = member(new Map([[partition, { offset: 5 }]]));
    groups.of(name).join(one);
    groups.of(name).leave(one);
    groups.letGo(name);
  };
  leave('g');
  leave('h');
  assert.equal(groups.size, 2);
  await groups.of('g').commit(new Map());
  groups.letGo('g');
  assert.deepEqual([groups.size, store.offsets.of('g', partition)?.offset], [1, 5]);
  await store.deleteTopic(partition.topic);
  groups.letGo('h');
  assert.equal(groups.size, 0);
});
