import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import type { CoordinatorClient } from '../../../../src/transports/kafka/group/coordinator-client.ts';
import { Participation } from '../../../../src/transports/kafka/group/participation.ts';
import type { Assignment } from '../../../../src/transports/kafka/wire/assignment-protocol.ts';
import { brokerError, KAFKA } from '../../../../src/transports/kafka/wire/protocol-errors.ts';
import { HandClock } from '../../core/hand-clock.ts';

/** What a coordinator answers, in order: `ok`, an error code, `lost` for a connection that broke. The last one is given for ever. */
type Script = ('ok' | 'lost' | number)[];

/** As in Kafka's protocol; our code needs no name for it. */
const NOT_COORDINATOR = 16;

interface Scripts {
  readonly joins?: Script;
  readonly heartbeats?: Script;
  readonly hasLetGo?: boolean[];
  readonly isLeader?: boolean;
}

function setUp({ joins = ['ok'], heartbeats = ['ok'], hasLetGo = [], isLeader = false }: Scripts) {
  const calls: string[] = [];
  const clock = new HandClock();
  const answer = (script: Script) => {
    const next = script.length > 1 ? script.shift() : script[0];
    if (next === 'lost') throw new Error('Connection error: read ECONNRESET');
    if (typeof next === 'number') throw brokerError(next);
  };
  const state = { hasNewPartitions: false };
  const coordinator = {
    isLeader,
    join: async () => {
      calls.push('join');
      answer(joins);
      return { isPartial: false } as Assignment;
    },
    heartbeat: async () => {
      calls.push('heartbeat');
      answer(heartbeats);
    },
    forget: () => calls.push('forget'),
    lose: () => calls.push('lose'),
  };
  const participation = new Participation(
    coordinator as unknown as CoordinatorClient,
    {
      known: { owned: [], counts: new Map(), ids: new Map() },
      adopt: async () => {
        calls.push('adopt');
        state.hasNewPartitions = false;
        return hasLetGo.shift() ?? false;
      },
      rebalancing: async () => void calls.push('rebalancing'),
      dropped: async () => void calls.push('dropped'),
      failed: ({ code }) => void calls.push(`failed ${code}`),
      sawNewPartitions: () => state.hasNewPartitions,
    },
    { group: 'g', sessionTimeout: 10_000, logger: createLogger({ level: 'silent' }), clock },
  );
  const ended = participation.run();
  /** Lets the clock run, and gives what has happened since the last time. */
  const after = async (milliseconds: number) => {
    await settle();
    clock.advance(milliseconds);
    await settle();
    return calls.splice(0);
  };
  const stop = async () => {
    participation.stop();
    await ended;
  };
  return { after, stop, state };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('a member of a group', () => {
  test('shows life once a second, and joins again when others come', async () => {
    const { after, stop } = setUp({ heartbeats: ['ok', KAFKA.REBALANCE_IN_PROGRESS, 'ok'] });
    assert.deepEqual(await after(0), ['join', 'adopt']);
    assert.deepEqual(await after(1_000), ['heartbeat']);
    assert.deepEqual(await after(1_000), ['heartbeat', 'rebalancing', 'join', 'adopt']);
    await stop();
  });

  for (const [what, code] of [
    ['is not known any more', KAFKA.UNKNOWN_MEMBER_ID],
    ['has an old generation', KAFKA.ILLEGAL_GENERATION],
  ] as const)
    test(`that ${what} says that it was dropped before it joins as a new one`, async () => {
      const { after, stop } = setUp({ heartbeats: [code, 'ok'] });
      assert.deepEqual(await after(0), ['join', 'adopt']);
      assert.deepEqual(await after(1_000), ['heartbeat', 'forget', 'dropped', 'join', 'adopt']);
      await stop();
    });

  test('keeps its place where heartbeats are lost or the coordinator moves', async () => {
    const { after, stop } = setUp({ heartbeats: ['lost', NOT_COORDINATOR, 'ok'] });
    await after(0);
    assert.deepEqual(await after(1_000), ['heartbeat', 'lose']);
    assert.deepEqual(await after(1_000), ['heartbeat', 'lose']);
    assert.deepEqual(await after(1_000), ['heartbeat']);
    await stop();
  });

  test('that was rebalanced while it joined joins at once; after a lost answer it waits, longer each time', async () => {
    const { after, stop } = setUp({ joins: [KAFKA.REBALANCE_IN_PROGRESS, 'lost', 'lost', 'ok'] });
    // The pause has doubled with the first failure.
    assert.deepEqual(await after(0), ['join', 'join', 'lose']);
    assert.deepEqual(await after(199), []);
    assert.deepEqual(await after(1), ['join', 'lose']);
    assert.deepEqual(await after(399), []);
    assert.deepEqual(await after(1), ['join', 'adopt']);
    await stop();
  });

  test('that may not join says so, and tries again after 5 s', async () => {
    const { after, stop } = setUp({
      joins: [KAFKA.GROUP_AUTHORIZATION_FAILED, KAFKA.INCONSISTENT_GROUP_PROTOCOL, 'ok'],
    });
    assert.deepEqual(await after(0), ['join', 'lose', 'failed TG_NOT_AUTHORIZED']);
    assert.deepEqual(await after(4_999), []);
    assert.deepEqual(await after(1), ['join', 'lose', 'failed TG_GROUP_FAILED']);
    assert.deepEqual(await after(5_000), ['join', 'adopt']);
    await stop();
  });

  test('that has let go of partitions joins again at once, so that others get them', async () => {
    const { after, stop } = setUp({ hasLetGo: [true, false] });
    assert.deepEqual(await after(0), ['join', 'adopt', 'rebalancing', 'join', 'adopt']);
    await stop();
  });

  test('that leads joins again when a topic has other partitions; one that does not lead leaves that to it', async () => {
    for (const [isLeader, expected] of [
      [true, ['heartbeat', 'rebalancing', 'join', 'adopt']],
      [false, ['heartbeat']],
    ] as const) {
      const { after, stop, state } = setUp({ isLeader });
      await after(0);
      state.hasNewPartitions = true;
      assert.deepEqual(await after(1_000), expected);
      await stop();
    }
  });
});
