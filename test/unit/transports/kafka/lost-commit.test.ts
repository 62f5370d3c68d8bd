import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Message } from '../../../../src/core/message.ts';
import type { Cluster } from '../../../../src/transports/kafka/connection/cluster.ts';
import type { FetchedPart } from '../../../../src/transports/kafka/fetch/fetcher.ts';
import type { CoordinatorClient } from '../../../../src/transports/kafka/group/coordinator-client.ts';
import { GroupOffsets } from '../../../../src/transports/kafka/group/group-offsets.ts';
import { OwnedPartition } from '../../../../src/transports/kafka/group/owned-partition.ts';

const COORDINATOR = { memberId: 'm', generation: 3 } as CoordinatorClient;
const PLACE = { topic: 't', partition: 0 };

interface Request {
  readonly groupGenerationId: number;
  readonly topics: readonly { readonly partitions: readonly { readonly offset: string }[] }[];
}

/** A coordinator that answers as the script says, one entry a commit: `lost` stores the offset all the same. */
function scripted(script: ('answered' | 'lost')[]) {
  const requests: Request[] = [];
  const coordinator = {
    request: async (_: string, request: Request) => {
      requests.push(request);
      if (script.shift() === 'lost') throw new Error('Connection error: read ECONNRESET');
    },
  };
  const offsets = new GroupOffsets('g', 'earliest', { coordinator: async () => coordinator } as unknown as Cluster);
  const commit = (owned: OwnedPartition) => offsets.commit([owned], () => ({ id: 'id' }) as FetchedPart, COORDINATOR);
  return { requests, commit };
}

function settled(owned: OwnedPartition, ...offsets: number[]): void {
  for (const offset of offsets) {
    const message = new Message(Buffer.from('x'), { offset, token: offset, target: owned.target });
    owned.enter(message);
    message.ack();
  }
}

describe('a commit whose answer is lost', () => {
  test('is known for our own when the group shows it: the partition is read on', async () => {
    const owned = new OwnedPartition(PLACE, { offset: 0 }, undefined, () => {});
    const { commit } = scripted(['lost']);
    settled(owned, 0, 1);
    await assert.rejects(commit(owned), /ECONNRESET/);
    assert.equal(owned.committed, undefined);
    assert.equal(owned.isStillOurs({ offset: 2 }), true, 'it was stored');
    assert.equal(owned.isStillOurs(undefined), true, 'it was not stored');
    assert.equal(owned.isStillOurs({ offset: 1 }), false, "that is another member's");
  });

  test('is sent again, and then known for certain', async () => {
    const owned = new OwnedPartition(PLACE, { offset: 0 }, undefined, () => {});
    const { commit, requests } = scripted(['lost', 'answered', 'answered']);
    settled(owned, 0);
    await assert.rejects(commit(owned));
    assert.equal(await commit(owned), true);
    assert.equal(owned.committed?.offset, 1);
    assert.equal(await commit(owned), false, 'there is nothing new');
    settled(owned, 1);
    assert.equal(await commit(owned), true);
    assert.deepEqual(
      requests.map(({ groupGenerationId, topics }) => [groupGenerationId, topics[0]?.partitions[0]?.offset]),
      [
        [3, '1'],
        [3, '1'],
        [3, '2'],
      ],
    );
    assert.deepEqual(
      [0, 1, 2].map((offset) => owned.isStillOurs({ offset })),
      [false, false, true],
    );
  });

  test('is known for our own by its note as well, where several have the same offset', async () => {
    let through = 1;
    const note = () => ({ replay: 0, watermark: 5, through });
    const state = { assigned: () => 0, note, revoked() {} };
    const owned = new OwnedPartition(PLACE, { offset: 0 }, undefined, () => {}, state);
    const { commit } = scripted(['answered', 'lost']);
    assert.equal(await commit(owned), true);
    through = 2;
    await assert.rejects(commit(owned));
    const ours = [1, 2, 3].map((through) =>
      owned.isStillOurs({ offset: 0, note: { replay: 0, watermark: 5, through } }),
    );
    assert.deepEqual(ours, [true, true, false]);
    assert.equal(owned.isStillOurs({ offset: 0 }), false);
  });

  test('means nothing for a topic that was created again', async () => {
    const owned = new OwnedPartition(PLACE, { offset: 0 }, undefined, () => {});
    const { commit } = scripted(['lost']);
    settled(owned, 0);
    await assert.rejects(commit(owned));
    owned.beginAnew(0);
    assert.deepEqual([owned.isStillOurs({ offset: 1 }), owned.isStillOurs(undefined)], [false, true]);
  });
});
