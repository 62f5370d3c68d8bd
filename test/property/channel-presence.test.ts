import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HandChannels, handLog, LEASE, settle } from '../unit/channels/hand-channels.ts';
import type { Compaction } from '../unit/presence/hand-log.ts';

/*
 * Some gateways and one log: gateways start, die, freeze, wake and say goodbye; clients subscribe to channels and leave them;
 * everything that is written is stored, acked and read at each gateway's own pace. Beside them a model: which client is subscribed where.
 */

const MAX_GATEWAYS = 3;
const CHANNELS = ['a', 'b'];

type Act =
  | { readonly do: 'start'; readonly compaction: Compaction }
  | { readonly do: 'kill'; readonly who: number; readonly arriving: number }
  | { readonly do: 'freeze' | 'wake' | 'resign' | 'ack'; readonly who: number }
  | { readonly do: 'in' | 'out'; readonly who: number; readonly channel: string; readonly client: number }
  | { readonly do: 'store' | 'deliver'; readonly who: number; readonly most: number }
  | { readonly do: 'pass'; readonly most: number; readonly milliseconds: number };

const who = fc.nat(MAX_GATEWAYS - 1);
const most = fc.integer({ min: 1, max: 4 });
const channel = fc.constantFrom(...CHANNELS);
const client = fc.nat(3);
const compaction: fc.Arbitrary<Compaction> = fc.record({
  part: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  keepsTombstones: fc.boolean(),
});
const an = <T extends Act['do']>(kind: T) => fc.constant(kind);

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: an('store'), who, most }) },
  { weight: 12, arbitrary: fc.record({ do: an('deliver'), who, most }) },
  { weight: 6, arbitrary: fc.record({ do: an('ack'), who }) },
  {
    weight: 16,
    arbitrary: fc.record({
      do: an('pass'),
      most: fc.integer({ min: 1, max: 12 }),
      milliseconds: fc.integer({ min: 10, max: LEASE / 2 }),
    }),
  },
  { weight: 14, arbitrary: fc.record({ do: an('in'), who, channel, client }) },
  { weight: 10, arbitrary: fc.record({ do: an('out'), who, channel, client }) },
  { weight: 3, arbitrary: fc.record({ do: an('start'), compaction }) },
  { weight: 1, arbitrary: fc.record({ do: an('kill'), who, arriving: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ do: an('freeze'), who }) },
  { weight: 2, arbitrary: fc.record({ do: an('wake'), who }) },
  { weight: 1, arbitrary: fc.record({ do: an('resign'), who }) },
);

class World {
  readonly log = handLog();
  readonly every: HandChannels[] = [];
  private readonly slots: (HandChannels | undefined)[] = [];
  private readonly maxKnown: number;

  constructor(maxKnown: number) {
    this.maxKnown = maxKnown;
    this.start({ part: 0, keepsTombstones: true });
    this.start({ part: 0, keepsTombstones: true });
  }

  get alive(): HandChannels[] {
    return this.slots.flatMap((each) => (each === undefined || each.isGone ? [] : [each]));
  }

  start(given: Compaction): void {
    const slot = Array.from({ length: MAX_GATEWAYS }).findIndex((_, at) => this.slots[at]?.isGone !== false);
    if (slot < 0) return;
    const gateway = new HandChannels(this.log, given, { maxKnown: this.maxKnown });
    this.slots[slot] = gateway;
    this.every.push(gateway);
  }

  do(one: Act): void {
    if (one.do === 'start') this.start(one.compaction);
    else if (one.do === 'pass') this.pass(one.most, one.milliseconds);
    else {
      const gateway = this.slots[one.who];
      if (gateway !== undefined && !gateway.isGone) this.let(gateway, one);
    }
  }

  private pass(count: number, milliseconds: number): void {
    for (const gateway of this.alive) {
      if (!gateway.isFrozen) gateway.store(count);
      gateway.ack();
      gateway.deliver(count);
    }
    this.log.time += milliseconds;
    for (const gateway of this.alive) gateway.tick(milliseconds);
  }

  private let(gateway: HandChannels, one: Extract<Act, { who: number }>): void {
    // What a frozen process has sent may arrive; it does nothing else.
    if (one.do === 'store') gateway.store(one.most);
    else if (one.do === 'kill') gateway.kill(one.arriving);
    else if (one.do === 'wake') gateway.wake();
    else if (gateway.isFrozen) return;
    else if (one.do === 'freeze') gateway.isFrozen = true;
    else if (one.do === 'ack') gateway.ack();
    else if (one.do === 'deliver') gateway.deliver(one.most);
    else if (gateway.isLeaving) return;
    else if (one.do === 'resign') void gateway.resign();
    else if ('channel' in one) {
      // The ID of a connection is that of no other one, on any gateway.
      const id = `${this.every.indexOf(gateway)}.${one.client}`;
      const isIn = gateway.own.has(`${one.channel} ${id}`);
      if (one.do === 'in' && !isIn) gateway.subscribe(one.channel, id, String(one.client));
      else if (one.do === 'out' && isIn) gateway.unsubscribe(one.channel, id);
    }
  }

  async settle(): Promise<void> {
    for (const gateway of this.alive) gateway.wake();
    await settle(this.alive);
  }

  /** The clients of a channel, by the model. */
  in(name: string): string[] {
    return this.alive
      .flatMap(({ own }) => [...own].map((one) => one.split(' ')))
      .flatMap(([of, id]) => (of === name && id !== undefined ? [id] : []))
      .sort();
  }

  noFaults(): void {
    assert.deepEqual(
      this.every.flatMap(({ faults }) => faults),
      [],
    );
  }
}

async function play(acts: readonly Act[], maxKnown: number): Promise<World> {
  const world = new World(maxKnown);
  await world.settle();
  for (const one of acts) {
    world.do(one);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await world.settle();
  // One that starts now learns the same from what compaction has left.
  world.start({ part: 1, keepsTombstones: false });
  await world.settle();
  return world;
}

const RUNS = Number(process.env.RUNS ?? 50);
const acts = fc.array(act, { minLength: 20, maxLength: 200, size: 'max' });

test('all gateways end with the clients that are subscribed, whatever happens to gateways', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(acts, async (some) => {
      const world = await play(some, 1_000);
      for (const gateway of world.alive) {
        for (const name of CHANNELS) {
          const expected = world.in(name);
          assert.deepEqual(gateway.clients(name), expected);
          for (const id of gateway.heardIn(name)) assert.ok(expected.includes(id), `${id} is thought to be in ${name}`);
          const users = new Set(expected.map((id) => id.split('.')[1])).size;
          const counts = gateway.presence.of(name, true, '');
          assert.deepEqual(counts, { clients: expected.length, users, members: undefined, isPartial: false });
        }
      }
      world.noFaults();
      for (const gateway of world.alive) gateway.kill(0);
    }),
    { numRuns: RUNS },
  );
});

test('with more subscriptions than may be known, as many of them are, and answers say so', {
  timeout: 120_000,
}, async () => {
  const MAX = 3;
  await fc.assert(
    fc.asyncProperty(acts, async (some) => {
      const world = await play(some, MAX);
      const all = CHANNELS.reduce((sum, name) => sum + world.in(name).length, 0);
      for (const gateway of world.alive) {
        let known = 0;
        for (const name of CHANNELS) {
          const answer = gateway.presence.of(name, false, '');
          known += answer?.clients ?? 0;
          const subscribed = world.in(name);
          assert.ok(answer?.members?.every(({ client: id }) => subscribed.includes(id)));
          if (all > MAX) assert.ok(answer?.isPartial);
        }
        assert.ok(known >= Math.min(all, MAX), `${known} of ${all} are known`);
      }
      world.noFaults();
      for (const gateway of world.alive) gateway.kill(0);
    }),
    { numRuns: RUNS },
  );
});
