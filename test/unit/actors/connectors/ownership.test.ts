import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import { claimKey } from '../../../../src/actors/connectors/config-records.ts';
import { ConfigTable } from '../../../../src/actors/connectors/config-table.ts';
import { Ownership } from '../../../../src/actors/connectors/ownership.ts';
import type { Batch } from '../../../../src/core/batch.ts';
import type { GroupEvent, GroupMember } from '../../../../src/core/log.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { keptLogger } from '../rig.ts';
import { Records } from './records.ts';

const SESSION = 10_000;
const WORK = 'work';

/** A member of the group that is dealt partitions when the test says so. */
class Member {
  readonly events$ = new Subject<GroupEvent>();
  readonly batches$ = new Subject<Batch>();
  seenAt: number;
  hasLeft = false;

  constructor(now: number) {
    this.seenAt = now;
  }

  lastSeen(): number {
    return this.seenAt;
  }

  async leave(): Promise<void> {
    this.hasLeft = true;
  }
}

/** Gateways that share one topic of configs, which each reads when the test says so. */
class Cluster {
  readonly clock = new HandClock();
  readonly records = new Records();
  readonly gateways = new Map<string, ReturnType<Cluster['start']>>();
  private generation = 0;

  start(id: string, url = `http://${id}`) {
    const kept = keptLogger();
    const { clock, records } = this;
    const table = new ConfigTable();
    const members: Member[] = [];
    const state = { read: 0, changes: 0 };
    const steps: { readonly behind: number; readonly step: () => void }[] = [];
    const ownership = new Ownership({
      log: {
        group: () => {
          const member = new Member(clock.now());
          members.push(member);
          return member as unknown as GroupMember;
        },
      },
      group: 'g',
      topic: WORK,
      sessionTimeout: SESSION,
      me: { id, url },
      claims: table.claims,
      write: (partitions, { generation, isReleased }) => {
        for (const partition of partitions)
          records.add(claimKey(partition), { worker: id, url, generation, released: isReleased });
      },
      whenRead: (step) => {
        steps.push({ behind: records.all.length, step });
        takeSteps();
      },
      clock,
      logger: kept.logger,
      changed: () => {
        state.changes += 1;
      },
    });
    const takeSteps = () => {
      while (steps[0] !== undefined && steps[0].behind <= state.read) steps.shift()?.step();
    };
    ownership.start();
    /** Reads what there is, and what reading it makes it write. */
    const read = () => {
      while (state.read < records.all.length) {
        const message = records.all[state.read];
        state.read += 1;
        const change = message === undefined ? undefined : table.apply(message);
        if (change?.type === 'claim') ownership.claimed(change.partition);
        takeSteps();
      }
    };
    const gateway = { ownership, table, read, state, member: () => members.at(-1) as Member, members, kept };
    this.gateways.set(id, gateway);
    return gateway;
  }

  /** The group deals partitions: by gateway, to those that are told of it. */
  deal(shares: Readonly<Record<string, readonly number[]>>, told = Object.keys(shares)): void {
    this.generation += 1;
    for (const id of told) {
      const partitions = (shares[id] ?? []).map((partition) => ({ topic: WORK, partition }));
      const gateway = this.gateways.get(id);
      if (gateway === undefined) continue;
      gateway.member().seenAt = this.clock.now();
      gateway.member().events$.next({
        ...{ type: 'assigned', generation: this.generation, partitions, added: [], removed: [] },
        members: Object.keys(shares),
      });
    }
  }

  readAll(): void {
    for (let before = -1; before !== this.records.all.length; ) {
      before = this.records.all.length;
      for (const { read } of this.gateways.values()) read();
    }
  }

  /** Partitions that a gateway runs now. */
  ours(id: string): number[] {
    return [0, 1, 2, 3].filter((partition) => this.gateways.get(id)?.ownership.isOurs(partition));
  }
}

test('what is dealt is ours once our own claim has come back, and its offset is the epoch', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  assert.equal(a.ownership.isRebalancing, true);
  cluster.deal({ a: [0, 1] });
  assert.equal(a.ownership.isRebalancing, false);
  assert.deepEqual(cluster.ours('a'), []);
  cluster.readAll();
  assert.deepEqual(cluster.ours('a'), [0, 1]);
  assert.deepEqual([a.ownership.epochOf(0), a.ownership.epochOf(1), a.ownership.epochOf(2)], [0, 1, undefined]);
  assert.deepEqual(a.ownership.ownerOf(0), { id: 'a', url: 'http://a' });
});

test('a part that moves between two that live is the new one only when the old one has let go', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.deal({ a: [0, 1] });
  cluster.readAll();
  cluster.start('b');
  cluster.readAll();
  cluster.deal({ a: [0], b: [1] });
  cluster.readAll();
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[0], []]);
  assert.deepEqual(a.ownership.leaving, [1]);
  assert.equal(typeof a.ownership.epochOf(1), 'number', 'what ran under it may still be written');
  a.ownership.letGo([1]);
  assert.equal(a.ownership.epochOf(1), undefined);
  cluster.readAll();
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[0], [1]]);
});

test('an old one that stays silent is waited for one session, and not a moment less', () => {
  const cluster = new Cluster();
  cluster.start('a');
  cluster.deal({ a: [0] });
  cluster.readAll();
  cluster.start('b');
  cluster.readAll();
  cluster.deal({ a: [], b: [0] }, ['b']);
  cluster.readAll();
  cluster.clock.advance(SESSION - 1);
  cluster.readAll();
  assert.deepEqual(cluster.ours('b'), []);
  cluster.clock.advance(1);
  cluster.gateways.get('b')?.read();
  assert.deepEqual(cluster.ours('b'), [0]);
});

test('one that the group has dropped is not waited for: its lease ended before', () => {
  const cluster = new Cluster();
  cluster.start('a');
  cluster.deal({ a: [0] });
  cluster.readAll();
  cluster.start('b');
  cluster.gateways.get('b')?.read();
  cluster.deal({ b: [0] });
  cluster.gateways.get('b')?.read();
  assert.deepEqual(cluster.ours('b'), [0]);
});

test('an owner that is not answered for two thirds of a session holds its hands still, and goes on when it is', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.deal({ a: [0] });
  cluster.readAll();
  const changes = a.state.changes;
  cluster.clock.advance((SESSION * 2) / 3 - 300);
  assert.equal(a.ownership.isAlive, true);
  cluster.clock.advance(600);
  assert.equal(a.ownership.isAlive, false);
  assert.ok(a.state.changes > changes, 'whoever waits for it is told');
  assert.equal(a.ownership.isOurs(0), true, 'it may come back');
  a.member().seenAt = cluster.clock.now();
  assert.equal(a.ownership.isAlive, true);
});

test('one that was frozen while another took over loses what it had as soon as it reads of it', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.deal({ a: [0] });
  cluster.readAll();
  cluster.start('b');
  cluster.gateways.get('b')?.read();
  cluster.clock.advance(SESSION + 1);
  cluster.deal({ b: [0] });
  cluster.gateways.get('b')?.read();
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[0], [0]]);
  assert.equal(a.ownership.isAlive, false, 'and so nothing is written twice');
  cluster.readAll();
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[], [0]]);
  assert.equal(a.ownership.epochOf(0), undefined);
});

test('a claim of a frozen gateway that arrives too late is answered by a new one', () => {
  const cluster = new Cluster();
  cluster.start('a');
  const b = cluster.start('b');
  cluster.deal({ a: [0], b: [] }, ['a']);
  const [late] = cluster.records.all.splice(0);
  cluster.deal({ b: [0] });
  cluster.readAll();
  assert.deepEqual(cluster.ours('b'), [0]);
  cluster.records.add(String(late?.key), JSON.parse(String(late?.payload)));
  cluster.readAll();
  assert.deepEqual(cluster.ours('b'), [0]);
  assert.equal(b.table.claims.get(0)?.worker.id, 'b');
});

test('one that the group has dropped is sure of nothing, also as a member again, until it has read what others claimed', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.start('b');
  cluster.deal({ a: [0, 1], b: [2, 3] });
  cluster.readAll();
  const epoch = a.ownership.epochOf(1);
  // It is frozen, and loses what it had.
  cluster.clock.advance(SESSION + 1);
  cluster.deal({ b: [0, 1, 2, 3] });
  cluster.gateways.get('b')?.read();
  assert.deepEqual(cluster.ours('b'), [0, 1, 2, 3]);
  // It wakes up and is dealt again what it thinks that it has, before it has read anything.
  a.member().events$.next({ type: 'joining' });
  cluster.deal({ a: [0, 1], b: [2, 3] });
  assert.deepEqual([a.ownership.isAlive, a.ownership.isRebalancing], [false, true]);
  assert.equal(a.ownership.epochOf(1), epoch);
  cluster.readAll();
  assert.deepEqual([a.ownership.isAlive, cluster.ours('a')], [true, []], 'the other one has not let go');
  const b = cluster.gateways.get('b')?.ownership;
  assert.deepEqual(b?.leaving, [0, 1], 'and ends in peace');
  b?.letGo([0, 1]);
  cluster.readAll();
  assert.deepEqual(
    [cluster.ours('a'), cluster.ours('b')],
    [
      [0, 1],
      [2, 3],
    ],
  );
});

test('one that the group has dropped goes on with what nobody has claimed meanwhile', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.deal({ a: [0, 1] });
  cluster.readAll();
  const epoch = a.ownership.epochOf(0);
  a.member().events$.next({ type: 'joining' });
  assert.deepEqual([a.ownership.isAlive, cluster.ours('a')], [false, [0, 1]]);
  cluster.deal({ a: [0, 1] });
  cluster.readAll();
  assert.deepEqual([a.ownership.isAlive, cluster.ours('a'), a.ownership.epochOf(0)], [true, [0, 1], epoch]);
});

test('two gateways that say they are reached at the same address are told so', () => {
  const cluster = new Cluster();
  cluster.start('a', 'http://127.0.0.1:8083');
  const b = cluster.start('b', 'http://127.0.0.1:8083');
  cluster.deal({ a: [0], b: [] });
  cluster.readAll();
  cluster.deal({ a: [0], b: [1] });
  cluster.readAll();
  assert.match(
    b.kept.warnings().join('\n'),
    /another gateway says that it is reached at http:\/\/127\.0\.0\.1:8083, too/,
  );
});

test('of two claims of our own the later one counts, so that what is written under it is heard', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.deal({ a: [0] });
  cluster.readAll();
  const claim = { worker: 'a', url: 'http://a', generation: 1, released: false };
  const later = cluster.records.add(claimKey(0), claim);
  cluster.readAll();
  assert.equal(a.ownership.epochOf(0), later.offset);
});

test('a part that comes back before it was let go is ours as before; a claim for one that went away is released', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.start('b');
  cluster.deal({ a: [0, 1], b: [] });
  cluster.readAll();
  const epoch = a.ownership.epochOf(0);
  cluster.deal({ a: [1], b: [0] }, ['a']);
  assert.deepEqual(a.ownership.leaving, [0]);
  cluster.deal({ a: [0, 1], b: [] });
  cluster.readAll();
  assert.equal(a.ownership.epochOf(0), epoch);
  cluster.deal({ a: [0, 1, 2], b: [] });
  cluster.deal({ a: [0, 1], b: [2] });
  cluster.readAll();
  a.ownership.letGo(a.ownership.leaving);
  cluster.readAll();
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[0, 1], [2]]);
});

test('while the group deals it is open who has what, and what is held stays held', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.deal({ a: [0] });
  cluster.readAll();
  a.member().events$.next({ type: 'rebalancing' });
  assert.deepEqual([a.ownership.isRebalancing, cluster.ours('a')], [true, [0]]);
});

test('a member that broke is replaced, and what it held is held still until the group says otherwise', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.deal({ a: [0] });
  cluster.readAll();
  a.member().batches$.error(new Error('broken'));
  assert.equal(a.ownership.isAlive, false);
  cluster.clock.advance(1_000);
  assert.equal(a.members.length, 2);
  assert.equal(a.members[0]?.hasLeft, true);
  cluster.deal({ a: [0] });
  assert.deepEqual([a.ownership.isAlive, cluster.ours('a')], [true, [0]]);
});

test('at the end everything is given up, released and left', async () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.deal({ a: [0, 1] });
  cluster.readAll();
  a.ownership.giveUpAll();
  assert.deepEqual([cluster.ours('a'), a.ownership.leaving], [[], [0, 1]]);
  a.ownership.letGo(a.ownership.leaving);
  await a.ownership.leave();
  cluster.readAll();
  assert.deepEqual(
    [0, 1].map((partition) => a.table.claims.get(partition)?.isReleased),
    [true, true],
  );
  assert.equal(a.member().hasLeft, true);
});

test('what is ours is claimed again where the topic of configs is another one, under the numbers of the new one', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  const b = cluster.start('b');
  cluster.deal({ a: [0, 1], b: [2] });
  cluster.readAll();
  cluster.deal({ a: [1], b: [2, 0] });
  cluster.readAll();
  assert.deepEqual([a.ownership.leaving, a.ownership.epochOf(1)], [[0], 1]);
  cluster.records.all.length = 0;
  for (const { table, state, ownership } of [a, b]) {
    table.clear();
    state.read = 0;
    ownership.claimAgain();
  }
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[], []], 'nothing is ours before the claim is back');
  cluster.readAll();
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[1], [2]]);
  assert.deepEqual([a.ownership.epochOf(1), b.ownership.epochOf(2)], [0, 1]);
  a.ownership.letGo(a.ownership.leaving);
  cluster.readAll();
  assert.deepEqual(cluster.ours('b'), [0, 2]);
});
