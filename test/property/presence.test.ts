import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Compaction } from '../unit/presence/hand-log.ts';
import { type Client, HandGateway, handLog, LEASE } from '../unit/rooms/hand-room.ts';

/*
 * Some gateways and one log: gateways start, die, freeze, wake and say goodbye; clients come and go; everything that
 * is written is stored, acked and read at each gateway's own pace; a gateway that starts reads a log that was compacted at random.
 */

const NAMES = ['ann', 'bob', 'eve'];
const MAX_GATEWAYS = 4;

type Act =
  | { readonly do: 'start'; readonly compaction: Compaction }
  | { readonly do: 'kill'; readonly who: number; readonly arriving: number }
  | { readonly do: 'freeze' | 'wake' | 'resign' | 'ack'; readonly who: number }
  | { readonly do: 'join'; readonly who: number; readonly name: string | undefined }
  | { readonly do: 'leave'; readonly which: number }
  | { readonly do: 'direct'; readonly who: number; readonly to: string }
  | { readonly do: 'kick'; readonly who: number; readonly target: string | undefined }
  | { readonly do: 'store' | 'deliver'; readonly who: number; readonly most: number }
  | { readonly do: 'twice'; readonly who: number; readonly most: number }
  | { readonly do: 'tick'; readonly milliseconds: number }
  /** A while in which everyone that is not frozen does something. */
  | { readonly do: 'pass'; readonly most: number; readonly milliseconds: number };

const who = fc.nat(MAX_GATEWAYS - 1);
const name = fc.constantFrom(...NAMES);
const milliseconds = fc.integer({ min: 10, max: LEASE / 2 });
const most = fc.integer({ min: 1, max: 4 });
const compaction: fc.Arbitrary<Compaction> = fc.record({
  part: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  keepsTombstones: fc.boolean(),
});

function act(canRepeat: boolean): fc.Arbitrary<Act> {
  const an = <T extends Act['do']>(kind: T) => fc.constant(kind);
  return fc.oneof(
    { weight: 10, arbitrary: fc.record({ do: an('store'), who, most }) },
    { weight: 12, arbitrary: fc.record({ do: an('deliver'), who, most }) },
    { weight: 6, arbitrary: fc.record({ do: an('ack'), who }) },
    { weight: 4, arbitrary: fc.record({ do: an('tick'), milliseconds }) },
    { weight: 20, arbitrary: fc.record({ do: an('pass'), most: fc.integer({ min: 1, max: 12 }), milliseconds }) },
    { weight: 10, arbitrary: fc.record({ do: an('join'), who, name: fc.option(name, { nil: undefined, freq: 3 }) }) },
    { weight: 6, arbitrary: fc.record({ do: an('leave'), which: fc.nat(20) }) },
    { weight: 8, arbitrary: fc.record({ do: an('direct'), who, to: name }) },
    { weight: 1, arbitrary: fc.record({ do: an('kick'), who, target: fc.option(name, { nil: undefined, freq: 3 }) }) },
    { weight: 3, arbitrary: fc.record({ do: an('start'), compaction }) },
    { weight: 1, arbitrary: fc.record({ do: an('kill'), who, arriving: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ do: an('freeze'), who }) },
    { weight: 2, arbitrary: fc.record({ do: an('wake'), who }) },
    { weight: 1, arbitrary: fc.record({ do: an('resign'), who }) },
    { weight: canRepeat ? 3 : 0, arbitrary: fc.record({ do: an('twice'), who, most }) },
  );
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A direct message that some gateway said it had sent. */
interface Sent {
  readonly content: string;
  readonly by: HandGateway;
  readonly to: Client | undefined;
}

class World {
  readonly log = handLog();
  readonly clients: Client[] = [];
  readonly sent: Sent[] = [];
  readonly everyGateway: HandGateway[] = [];
  private slots: (HandGateway | undefined)[] = [];

  get gateways(): HandGateway[] {
    return this.slots.flatMap((each) => (each === undefined || each.isGone ? [] : [each]));
  }

  start(compaction: Compaction): HandGateway | undefined {
    const slot = Array.from({ length: MAX_GATEWAYS }).findIndex((_, at) => this.slots[at]?.isGone !== false);
    if (slot < 0) return undefined;
    const gateway = new HandGateway(this.log, compaction);
    this.slots[slot] = gateway;
    this.everyGateway.push(gateway);
    return gateway;
  }

  do(act: Act): void {
    if (act.do === 'start') this.start(act.compaction);
    else if (act.do === 'tick') this.tick(act.milliseconds);
    else if (act.do === 'pass') this.pass(act.most, act.milliseconds);
    else if (act.do === 'leave') {
      const client = this.clients[act.which % Math.max(1, this.clients.length)];
      if (client !== undefined && !client.gateway.isGone && !client.gateway.isFrozen) client.gateway.leave(client);
    } else {
      const gateway = this.slots[act.who];
      if (gateway !== undefined && !gateway.isGone) this.let(gateway, act);
    }
  }

  tick(milliseconds: number): void {
    this.log.time += milliseconds;
    for (const gateway of this.gateways) gateway.tick(milliseconds);
  }

  private pass(most: number, milliseconds: number): void {
    for (const gateway of this.gateways) {
      if (!gateway.isFrozen) gateway.store(most);
      gateway.ack();
      gateway.deliver(most);
    }
    this.tick(milliseconds);
  }

  private let(gateway: HandGateway, act: Extract<Act, { who: number }>): void {
    // What a frozen process has sent may arrive; it does nothing else.
    if (act.do === 'store') gateway.store(act.most);
    else if (act.do === 'twice') gateway.store(act.most, true);
    else if (act.do === 'kill') gateway.kill(act.arriving);
    else if (act.do === 'wake') gateway.wake();
    else if (gateway.isFrozen) return;
    else if (act.do === 'freeze') gateway.isFrozen = true;
    else if (act.do === 'ack') gateway.ack();
    else if (act.do === 'deliver') gateway.deliver(act.most);
    else if (gateway.isLeaving) return;
    else if (act.do === 'resign') void gateway.resign();
    else if (act.do === 'join') this.clients.push(this.join(gateway, String(this.clients.length), act.name));
    else if (act.do === 'kick') gateway.presence.kick('somebody', act.target);
    else if (act.do === 'direct') this.direct(gateway, act.to);
  }

  private join(gateway: HandGateway, id: string, name: string | undefined): Client {
    const present = this.gateways.filter(({ presence }) => presence.notReadyReason === undefined);
    return gateway.join(id, name, present);
  }

  private direct(gateway: HandGateway, to: string): void {
    const content = `message ${this.sent.length}`;
    const id = gateway.view.get(to);
    const outcome = gateway.presence.direct('somebody', to, content);
    const target = this.clients.find((client) => client.id === id);
    if (outcome === 'sent') this.sent.push({ content, by: gateway, to: target });
  }

  /** Everything thaws, arrives and is read; the dead are declared dead. */
  async quiesce(): Promise<void> {
    for (const gateway of this.gateways) gateway.wake();
    for (let round = 0; round < 12; round += 1) {
      for (let step = 0; step < 4; step += 1) {
        for (const gateway of this.gateways) gateway.store(1_000);
        for (const gateway of this.gateways) gateway.ack();
        for (const gateway of this.gateways) gateway.deliver(1_000);
        await turn();
      }
      this.tick(LEASE / 3 + 1);
    }
    for (const gateway of this.gateways) gateway.store(1_000);
    for (const gateway of this.gateways) gateway.deliver(1_000);
    await turn();
  }

  /** Gateways that have read everything agree on the holder of each name. */
  agree(): void {
    const holders = new Map<string, string>();
    for (const gateway of this.gateways) {
      if (!gateway.isUpToDate) continue;
      for (const [name, id] of gateway.view) {
        const other = holders.get(name);
        assert.ok(other === undefined || other === id, `${name} is ${id} for one and ${other} for another`);
        holders.set(name, id);
      }
    }
  }

  noFaults(): void {
    assert.deepEqual(
      this.everyGateway.flatMap(({ faults }) => faults),
      [],
    );
  }

  /** All live gateways show exactly the clients that were let in and are there. */
  settled(): void {
    const isLive = ({ gateway }: Client) => !gateway.isGone;
    const present = this.clients.filter((client) => isLive(client) && client.state === 'in');
    const expected = present.map((client) => client.name).sort();
    for (const gateway of this.gateways) {
      assert.equal(gateway.presence.notReadyReason, undefined);
      assert.deepEqual([...gateway.presence.names].sort(), expected);
      for (const { name, id } of present) {
        const known = gateway.view.get(name ?? '');
        assert.ok(known === '' || known === id, `${name} is ${known} instead of ${id}`);
      }
    }
    const unanswered = this.clients.filter((client) => isLive(client) && client.state === 'asking');
    assert.deepEqual(unanswered, []);
    const numbers = this.clients.flatMap((client) => (client.name?.startsWith('client-') ? [client.name] : []));
    assert.equal(new Set(numbers).size, numbers.length);
  }

  /** Each message was received once at most, and by its target only; members that stayed received all of theirs. */
  delivered(): void {
    for (const { content, to, by } of this.sent) {
      const hearers = this.clients.flatMap((client) =>
        client.heard.filter((each) => each === content).map(() => client),
      );
      const wasLost = by.isGone || by.timesFenced > 0;
      assert.ok(hearers.length <= 1 && hearers.every((client) => client === to), `${content} went astray`);
      if (to?.state === 'in' && !to.gateway.isGone && !wasLost) assert.equal(hearers.length, 1, `${content} is lost`);
    }
  }

  /** Refused clients were never announced, on gateways that read it as it happened. */
  refused(): void {
    for (const { id, state, witnesses } of this.clients) {
      if (state !== 'taken') continue;
      for (const [gateway, timesFenced] of witnesses)
        assert.ok(gateway.timesFenced !== timesFenced || !gateway.announced.has(id), `${id} was announced`);
    }
  }

  /** Each free name goes to exactly one of the clients that ask now, and no other name is given away. */
  async ask(): Promise<void> {
    const taken = new Set(
      this.clients.flatMap(({ state, gateway, name }) => (state === 'in' && !gateway.isGone ? [name] : [])),
    );
    const asking = NAMES.flatMap((name) =>
      this.gateways.map((gateway, index) => ({ name, client: this.join(gateway, `last-${name}-${index}`, name) })),
    );
    this.clients.push(...asking.map(({ client }) => client));
    await this.quiesce();
    for (const name of NAMES) {
      const winners = asking.filter((each) => each.name === name && each.client.state === 'in');
      assert.equal(winners.length, taken.has(name) ? 0 : 1, `${name} has ${winners.length} winners`);
    }
  }
}

async function play(acts: readonly Act[], check: (world: World) => void): Promise<World> {
  const world = new World();
  world.start({ part: 0, keepsTombstones: true });
  world.start({ part: 0, keepsTombstones: true });
  await world.quiesce();
  for (const each of acts) {
    world.do(each);
    await turn();
    check(world);
  }
  return world;
}

async function finish(world: World): Promise<void> {
  await world.quiesce();
  world.settled();
  world.delivered();
  // A gateway that starts now has the same members as all others.
  world.start({ part: 1, keepsTombstones: false });
  await world.quiesce();
  world.settled();
  await world.ask();
  world.settled();
  world.noFaults();
  for (const gateway of world.gateways) gateway.kill(0);
}

const RUNS = Number(process.env.RUNS ?? 50);

test('gateways of a room agree on the holder of each name at any time, whatever happens to them', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act(false), { minLength: 20, maxLength: 200, size: 'max' }), async (acts) => {
      const world = await play(acts, (each) => each.agree());
      await finish(world);
      world.refused();
    }),
    { numRuns: RUNS },
  );
});

test('gateways of a room end with the same members when the log has duplicate records', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act(true), { minLength: 20, maxLength: 200, size: 'max' }), async (acts) => {
      const world = await play(acts, () => {});
      await finish(world);
    }),
    { numRuns: RUNS },
  );
});
