import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Member } from '../../src/core/membership.ts';
import type { Claim } from '../../src/presence/claim.ts';
import type { PresenceRecord } from '../../src/presence/records.ts';
import { memberRecords } from '../../src/rooms/member-records.ts';
import { RoomRoster } from '../../src/rooms/roster.ts';

/*
 * A roster that reads every record, beside one that starts later and reads what compaction has left. The records are those that
 * gateways write, in any order that they could come in.
 */

const RECORDS = memberRecords('chat');
const GATEWAYS = ['a', 'b', 'c'];
const NAMES = ['ann', 'bob'];

type Act =
  | { readonly do: 'claim'; readonly gateway: string; readonly name: string }
  /** The `which`th claim that has no tombstone yet gets it. */
  | { readonly do: 'bury' | 'repeat'; readonly which: number }
  | { readonly do: 'lease'; readonly gateway: string }
  | { readonly do: 'die'; readonly gateway: string; readonly by: string }
  /** A dead gateway is swept away, and comes back under the same name in this game. */
  | { readonly do: 'sweep'; readonly gateway: string }
  /** A gateway starts, and finds this part of the log compacted. */
  | { readonly do: 'rebuild'; readonly part: number; readonly keepsTombstones: boolean };

function acts(canRepeat: boolean): fc.Arbitrary<Act[]> {
  const gateway = fc.constantFrom(...GATEWAYS);
  const which = fc.nat(10);
  const part = fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true }));
  const an = <T extends Act['do']>(kind: T) => fc.constant(kind);
  const act: fc.Arbitrary<Act> = fc.oneof(
    { weight: 10, arbitrary: fc.record({ do: an('claim'), gateway, name: fc.constantFrom(...NAMES) }) },
    { weight: 6, arbitrary: fc.record({ do: an('bury'), which }) },
    { weight: 2, arbitrary: fc.record({ do: an('lease'), gateway }) },
    { weight: 2, arbitrary: fc.record({ do: an('die'), gateway, by: gateway }) },
    { weight: 1, arbitrary: fc.record({ do: an('sweep'), gateway }) },
    { weight: 4, arbitrary: fc.record({ do: an('rebuild'), part, keepsTombstones: fc.boolean() }) },
    { weight: canRepeat ? 3 : 0, arbitrary: fc.record({ do: an('repeat'), which }) },
  );
  return fc.array(act, { minLength: 5, maxLength: 60, size: 'max' });
}

class Game {
  /** Read every record as it came. */
  readonly witness = new RoomRoster('witness');
  readonly late: RoomRoster[] = [];
  private readonly log: PresenceRecord<Member>[] = [];
  private readonly dead = new Set<string>();
  private open: Claim<Member>[] = [];
  private seq = 0;

  constructor() {
    this.witness.rebuilt();
  }

  do(act: Act): void {
    if (act.do === 'claim') this.claim(act.gateway, act.name);
    else if (act.do === 'bury') this.bury(this.open[act.which]);
    else if (act.do === 'repeat') this.repeat(this.open[act.which]);
    else if (act.do === 'lease') this.lease(act.gateway);
    else if (act.do === 'die') this.die(act.gateway, act.by);
    else if (act.do === 'sweep') this.sweep(act.gateway);
    else if (act.do === 'rebuild') this.rebuild(act.part, act.keepsTombstones);
  }

  /** Lost claims get tombstones, as their gateways write them as soon as they read of it; so do records of the dead. */
  settle(): void {
    for (const gateway of this.dead) this.sweep(gateway);
    for (const claim of [...this.open]) {
      if (this.witness.holder(claim.member.name)?.key !== claim.key) this.bury(claim);
    }
  }

  private claim(incarnation: string, name: string): void {
    this.seq += 1;
    const key = RECORDS.memberKey(incarnation, this.seq);
    const claim = { key, incarnation, seq: this.seq, member: { name, details: {} } };
    this.open.push(claim);
    this.append({ type: 'member', ...claim });
  }

  private repeat(claim: Claim<Member> | undefined): void {
    if (claim !== undefined) this.append({ type: 'member', ...claim });
  }

  private bury(claim: Claim<Member> | undefined): void {
    if (claim === undefined) return;
    const { key, incarnation } = claim;
    this.open = this.open.filter((each) => each !== claim);
    this.append({ type: 'tombstone', of: 'member', key, incarnation });
  }

  private lease(incarnation: string): void {
    this.append({
      type: 'lease',
      key: RECORDS.leaseKey(incarnation),
      incarnation,
      number: this.log.length,
      timestamp: 0,
    });
  }

  private die(incarnation: string, by: string): void {
    this.dead.add(incarnation);
    this.append({ type: 'dead', key: RECORDS.deadKey(incarnation), incarnation, by, timestamp: 0, until: undefined });
  }

  private sweep(incarnation: string): void {
    if (!this.dead.delete(incarnation)) return;
    for (const claim of this.open.filter((each) => each.incarnation === incarnation)) this.bury(claim);
    this.append({ type: 'tombstone', of: 'lease', key: RECORDS.leaseKey(incarnation), incarnation });
    this.append({ type: 'tombstone', of: 'dead', key: RECORDS.deadKey(incarnation), incarnation });
  }

  private rebuild(part: number, keepsTombstones: boolean): void {
    const clean = Math.floor(part * this.log.length);
    const last = new Map(this.log.slice(0, clean).map(({ key }, offset) => [key, offset]));
    const roster = new RoomRoster('latecomer');
    for (const [offset, record] of this.log.entries()) {
      const isLast = last.get(record.key) === offset && (keepsTombstones || record.type !== 'tombstone');
      if (offset >= clean || isLast) roster.apply(record);
    }
    roster.rebuilt();
    this.late.push(roster);
  }

  private append(record: PresenceRecord<Member>): void {
    this.log.push(record);
    for (const roster of [this.witness, ...this.late]) roster.apply(record);
  }
}

/** Claims of all members. Not in their order: a name whose death was found twice may come late. */
function members(roster: RoomRoster): string[] {
  return [...roster.members].map(({ key }) => key).sort();
}

test('a reader of a compacted log never takes another claim for the holder of a name', () => {
  fc.assert(
    fc.property(acts(false), (steps) => {
      const game = new Game();
      for (const step of steps) {
        game.do(step);
        for (const roster of game.late) {
          for (const { key, member } of game.witness.members)
            assert.ok([undefined, key].includes(roster.holder(member.name)?.key), `${member.name} has two holders`);
        }
      }
      game.settle();
      for (const roster of game.late) assert.deepEqual(members(roster), members(game.witness));
    }),
    { numRuns: 1_000 },
  );
});

test('a reader of a log with duplicate records ends with the same members', () => {
  fc.assert(
    fc.property(acts(true), (steps) => {
      const game = new Game();
      for (const step of steps) game.do(step);
      game.settle();
      for (const roster of game.late) assert.deepEqual(members(roster), members(game.witness));
    }),
    { numRuns: 1_000 },
  );
});
