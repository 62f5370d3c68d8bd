import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import { claimKey } from '../../../../src/connect/cluster/config-records.ts';
import { type ConfigChange, ConfigTable } from '../../../../src/connect/cluster/config-table.ts';
import { Ownership } from '../../../../src/connect/cluster/ownership.ts';
import type { Batch } from '../../../../src/core/batch.ts';
import type { GroupEvent, GroupMember } from '../../../../src/core/log.ts';
import { keptLogger } from '../../actors/rig.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { Records } from './records.ts';

const SESSION = 10_000;
const WORK = 'work';

/** A member of the group that is assigned partitions when the test says so. */
class Member {
  readonly events$ = new Subject<GroupEvent>();
  readonly batches$ = new Subject<Batch>();
  seenAt: number;
  hasLeft = false;
  private readonly clock: HandClock;

  constructor(clock: HandClock) {
    this.clock = clock;
    this.seenAt = clock.now();
  }

  silentFor(): number {
    return this.clock.now() - this.seenAt;
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
    const changes$ = new Subject<ConfigChange>();
    const members: Member[] = [];
    const state = { read: 0, changes: 0 };
    const steps: { readonly behind: number; readonly step: () => void }[] = [];
    const ownership = new Ownership({
      log: {
        group: () => {
          const member = new Member(clock);
          members.push(member);
          return member as unknown as GroupMember;
        },
      },
      group: 'g',
      topic: WORK,
      sessionTimeout: SESSION,
      me: { id, url },
      claims: table.claims,
      changes$,
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
    });
    ownership.changed$.subscribe(() => {
      state.changes += 1;
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
        if (change !== undefined) changes$.next(change);
        takeSteps();
      }
    };
    const gateway = { ownership, changes$, table, read, state, member: () => members.at(-1) as Member, members, kept };
    this.gateways.set(id, gateway);
    return gateway;
  }

  /** The group assigns partitions, by gateway; only the gateways in `told` hear of it. */
  assign(shares: Readonly<Record<string, readonly number[]>>, told = Object.keys(shares)): void {
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

test('an assigned partition is owned once the claim is read back, and its offset is the epoch', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  assert.equal(a.ownership.isRebalancing, true);
  cluster.assign({ a: [0, 1] });
  assert.equal(a.ownership.isRebalancing, false);
  assert.deepEqual(cluster.ours('a'), []);
  cluster.readAll();
  assert.deepEqual(cluster.ours('a'), [0, 1]);
  assert.deepEqual([a.ownership.epochOf(0), a.ownership.epochOf(1), a.ownership.epochOf(2)], [0, 1, undefined]);
  assert.deepEqual(a.ownership.ownerOf(0), { id: 'a', url: 'http://a' });
});

test('a partition that moves between two live gateways waits for the release of the old owner', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.assign({ a: [0, 1] });
  cluster.readAll();
  cluster.start('b');
  cluster.readAll();
  cluster.assign({ a: [0], b: [1] });
  cluster.readAll();
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[0], []]);
  assert.deepEqual(a.ownership.leaving, [1]);
  assert.equal(typeof a.ownership.epochOf(1), 'number', 'what ran under it may still be written');
  a.ownership.letGo([1]);
  assert.equal(a.ownership.epochOf(1), undefined);
  cluster.readAll();
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[0], [1]]);
});

test('a new owner waits one whole session for an old owner that does not release', () => {
  const cluster = new Cluster();
  cluster.start('a');
  cluster.assign({ a: [0] });
  cluster.readAll();
  cluster.start('b');
  cluster.readAll();
  cluster.assign({ a: [], b: [0] }, ['b']);
  cluster.readAll();
  cluster.clock.advance(SESSION - 1);
  cluster.readAll();
  assert.deepEqual(cluster.ours('b'), []);
  cluster.clock.advance(1);
  cluster.gateways.get('b')?.read();
  assert.deepEqual(cluster.ours('b'), [0]);
});

/** b waits for a, which is there and says nothing; the timer of the wait is the only one beside those that look at leases. */
function waiting() {
  const cluster = new Cluster();
  cluster.start('a');
  cluster.assign({ a: [0] });
  cluster.readAll();
  const b = cluster.start('b');
  cluster.readAll();
  const before = cluster.clock.pending;
  cluster.assign({ a: [], b: [0] }, ['b']);
  cluster.readAll();
  assert.equal(cluster.clock.pending, before + 1);
  const claims = () => cluster.records.all.length;
  return { cluster, b, before, claims };
}

test('a partition that is assigned elsewhere during the wait is never claimed', () => {
  const { cluster, b, before, claims } = waiting();
  cluster.assign({ a: [0], b: [] }, ['b']);
  const written = claims();
  assert.equal(cluster.clock.pending, before);
  cluster.clock.advance(2 * SESSION);
  assert.deepEqual([claims(), cluster.ours('b')], [written, []]);
  assert.equal(b.ownership.hasBegun, true);
});

test('a partition whose owner has left, or released it, is claimed at once and only once', () => {
  for (const isLetGo of [true, false]) {
    const { cluster, before, claims } = waiting();
    const written = claims();
    if (isLetGo) cluster.records.add(claimKey(0), { worker: 'a', url: 'http://a', generation: 1, released: true });
    else cluster.assign({ b: [0] }, ['b']);
    cluster.gateways.get('b')?.read();
    assert.deepEqual(cluster.ours('b'), [0]);
    assert.equal(cluster.clock.pending, before);
    cluster.clock.advance(2 * SESSION);
    assert.equal(claims(), written + (isLetGo ? 2 : 1));
  }
});

test('a gateway that leaves during the wait claims nothing, and no timer is left', async () => {
  for (const isOrderly of [true, false]) {
    const { cluster, b, before, claims } = waiting();
    if (isOrderly) b.ownership.giveUpAll();
    await b.ownership.leave();
    const written = claims();
    // That of its wait and the one that looks at its lease.
    assert.equal(cluster.clock.pending, before - 1);
    cluster.clock.advance(2 * SESSION);
    assert.deepEqual([claims(), b.ownership.leaving], [written, []]);
  }
});

test('an owner that the group has dropped is not waited for: its lease has ended before', () => {
  const cluster = new Cluster();
  cluster.start('a');
  cluster.assign({ a: [0] });
  cluster.readAll();
  cluster.start('b');
  cluster.gateways.get('b')?.read();
  cluster.assign({ b: [0] });
  cluster.gateways.get('b')?.read();
  assert.deepEqual(cluster.ours('b'), [0]);
});

test('an owner without an answer for two thirds of a session pauses, and goes on after one', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.assign({ a: [0] });
  cluster.readAll();
  const changes = a.state.changes;
  cluster.clock.advance((SESSION * 2) / 3 - 300);
  assert.equal(a.ownership.isAlive, true);
  cluster.clock.advance(600);
  assert.equal(a.ownership.isAlive, false);
  assert.ok(a.state.changes > changes, 'listeners are called');
  assert.equal(a.ownership.isOurs(0), true, 'it may come back');
  a.member().seenAt = cluster.clock.now();
  assert.equal(a.ownership.isAlive, true);
});

test('a frozen owner loses its partitions when it reads the claims of another', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.assign({ a: [0] });
  cluster.readAll();
  cluster.start('b');
  cluster.gateways.get('b')?.read();
  cluster.clock.advance(SESSION + 1);
  cluster.assign({ b: [0] });
  cluster.gateways.get('b')?.read();
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[0], [0]]);
  assert.equal(a.ownership.isAlive, false, 'and so nothing is written twice');
  cluster.readAll();
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[], [0]]);
  assert.equal(a.ownership.epochOf(0), undefined);
});

test('a late claim of a frozen gateway is answered with a new claim', () => {
  const cluster = new Cluster();
  cluster.start('a');
  const b = cluster.start('b');
  cluster.assign({ a: [0], b: [] }, ['a']);
  const [late] = cluster.records.all.splice(0);
  cluster.assign({ b: [0] });
  cluster.readAll();
  assert.deepEqual(cluster.ours('b'), [0]);
  cluster.records.add(String(late?.key), JSON.parse(String(late?.payload)));
  cluster.readAll();
  assert.deepEqual(cluster.ours('b'), [0]);
  assert.equal(b.table.claims.get(0)?.worker.id, 'b');
});

test('a dropped gateway that is a member again does not write until it has read all claims', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.start('b');
  cluster.assign({ a: [0, 1], b: [2, 3] });
  cluster.readAll();
  const epoch = a.ownership.epochOf(1);
  // It is frozen, and loses what it had.
  cluster.clock.advance(SESSION + 1);
  cluster.assign({ b: [0, 1, 2, 3] });
  cluster.gateways.get('b')?.read();
  assert.deepEqual(cluster.ours('b'), [0, 1, 2, 3]);
  // It wakes up and is assigned the same partitions again, before it has read anything.
  a.member().events$.next({ type: 'joining' });
  cluster.assign({ a: [0, 1], b: [2, 3] });
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

test('a dropped gateway goes on with what no other gateway has claimed', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.assign({ a: [0, 1] });
  cluster.readAll();
  const epoch = a.ownership.epochOf(0);
  a.member().events$.next({ type: 'joining' });
  assert.deepEqual([a.ownership.isAlive, cluster.ours('a')], [false, [0, 1]]);
  cluster.assign({ a: [0, 1] });
  cluster.readAll();
  assert.deepEqual([a.ownership.isAlive, cluster.ours('a'), a.ownership.epochOf(0)], [true, [0, 1], epoch]);
});

test('two gateways that advertise one address get a warning', () => {
  const cluster = new Cluster();
  cluster.start('a', 'http://127.0.0.1:8083');
  const b = cluster.start('b', 'http://127.0.0.1:8083');
  cluster.assign({ a: [0], b: [] });
  cluster.readAll();
  cluster.assign({ a: [0], b: [1] });
  cluster.readAll();
  assert.match(b.kept.warnings().join('\n'), /another gateway has the same address http:\/\/127\.0\.0\.1:8083/);
});

test('of two claims of one gateway the later one is its epoch', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.assign({ a: [0] });
  cluster.readAll();
  const claim = { worker: 'a', url: 'http://a', generation: 1, released: false };
  const later = cluster.records.add(claimKey(0), claim);
  cluster.readAll();
  assert.equal(a.ownership.epochOf(0), later.offset);
});

test('a partition that comes back before its release stays; a claim for one that left is released', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.start('b');
  cluster.assign({ a: [0, 1], b: [] });
  cluster.readAll();
  const epoch = a.ownership.epochOf(0);
  cluster.assign({ a: [1], b: [0] }, ['a']);
  assert.deepEqual(a.ownership.leaving, [0]);
  cluster.assign({ a: [0, 1], b: [] });
  cluster.readAll();
  assert.equal(a.ownership.epochOf(0), epoch);
  cluster.assign({ a: [0, 1, 2], b: [] });
  cluster.assign({ a: [0, 1], b: [2] });
  cluster.readAll();
  a.ownership.letGo(a.ownership.leaving);
  cluster.readAll();
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[0, 1], [2]]);
});

test('during a rebalance the owners are unknown, and a held partition stays held', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.assign({ a: [0] });
  cluster.readAll();
  a.member().events$.next({ type: 'rebalancing' });
  assert.deepEqual([a.ownership.isRebalancing, cluster.ours('a')], [true, [0]]);
});

test('a member that failed is replaced, and its partitions are held until the next assignment', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.assign({ a: [0] });
  cluster.readAll();
  a.member().batches$.error(new Error('broken'));
  assert.equal(a.ownership.isAlive, false);
  cluster.clock.advance(1_000);
  assert.equal(a.members.length, 2);
  assert.equal(a.members[0]?.hasLeft, true);
  cluster.assign({ a: [0] });
  assert.deepEqual([a.ownership.isAlive, cluster.ours('a')], [true, [0]]);
});

test('at the end everything is released, the group is left, and nothing is waited for', async () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.start('b');
  cluster.assign({ a: [0, 1], b: [2, 3] });
  cluster.readAll();
  const timers = cluster.clock.pending;
  // What b still holds is waited for.
  cluster.assign({ a: [0, 1, 2, 3], b: [] }, ['a']);
  assert.equal(cluster.clock.pending, timers + 2);
  a.ownership.giveUpAll();
  assert.equal(cluster.clock.pending, timers);
  assert.deepEqual([cluster.ours('a'), a.ownership.leaving], [[], [0, 1]]);
  a.ownership.letGo(a.ownership.leaving);
  await a.ownership.leave();
  cluster.readAll();
  assert.deepEqual(
    [0, 1].map((partition) => a.table.claims.get(partition)?.isReleased),
    [true, true],
  );
  assert.equal(a.member().hasLeft, true);
  assert.equal(cluster.clock.pending, timers - 1);
  const { length } = cluster.records.all;
  cluster.clock.advance(SESSION * 10);
  cluster.readAll();
  assert.deepEqual([a.members.length, cluster.ours('a')], [1, []], 'it has come back');
  assert.equal(cluster.records.all.length, length, 'it has claimed something');
});

test('a gateway that leaves without releases waits for nothing', async () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.start('b');
  cluster.assign({ a: [], b: [2] });
  cluster.readAll();
  const timers = cluster.clock.pending;
  cluster.assign({ a: [2], b: [] }, ['a']);
  assert.equal(cluster.clock.pending, timers + 1);
  await a.ownership.leave();
  assert.equal(cluster.clock.pending, timers - 1, 'all timers of its own are gone, and that of b is not');
});

test('a partition that is assigned after the end is not claimed', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.assign({ a: [0] });
  cluster.readAll();
  a.ownership.giveUpAll();
  const { length } = cluster.records.all;
  a.ownership.assigned(new Set([0, 1]));
  a.changes$.next({ type: 'reset' });
  cluster.readAll();
  assert.equal(cluster.records.all.length, length);
  assert.equal(a.ownership.epochOf(1), undefined);
});

test('partitions are claimed again, with new epochs, if the topic of configs was created again', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  const b = cluster.start('b');
  cluster.assign({ a: [0, 1], b: [2] });
  cluster.readAll();
  cluster.assign({ a: [1], b: [2, 0] });
  cluster.readAll();
  assert.deepEqual([a.ownership.leaving, a.ownership.epochOf(1)], [[0], 1]);
  cluster.records.all.length = 0;
  for (const { table, state, changes$ } of [a, b]) {
    table.clear();
    state.read = 0;
    changes$.next({ type: 'reset' });
  }
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[], []], 'nothing is ours before the claim is back');
  cluster.readAll();
  assert.deepEqual([cluster.ours('a'), cluster.ours('b')], [[1], [2]]);
  assert.deepEqual([a.ownership.epochOf(1), b.ownership.epochOf(2)], [0, 1]);
  a.ownership.letGo(a.ownership.leaving);
  cluster.readAll();
  assert.deepEqual(cluster.ours('b'), [0, 2]);
});

test('an assignment of a member that has failed is ignored, even if its barrier is read later', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.records.add('unread', {});
  cluster.assign({ a: [0] });
  a.member().batches$.error(new Error('broken'));
  cluster.readAll();
  assert.deepEqual([a.ownership.isRebalancing, a.ownership.isAlive, cluster.ours('a')], [true, false, []]);
  assert.deepEqual(
    cluster.records.all.map(({ key }) => String(key)),
    ['unread'],
    'nothing is claimed',
  );
});

test('a late claim for a partition that is being released is left to its new owner', () => {
  const cluster = new Cluster();
  const a = cluster.start('a');
  cluster.assign({ a: [0] });
  cluster.readAll();
  cluster.assign({ a: [], b: [0] }, ['a']);
  assert.deepEqual(a.ownership.leaving, [0]);
  cluster.records.add(claimKey(0), { worker: 'c', url: 'http://c', generation: 0, released: false });
  const before = cluster.records.all.length;
  cluster.readAll();
  assert.deepEqual([cluster.ours('a'), a.ownership.leaving, cluster.records.all.length], [[], [], before]);
});
