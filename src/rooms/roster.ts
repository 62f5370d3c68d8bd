import type { Member } from '../core/membership.ts';
import type { Claim } from '../presence/claim.ts';
import { Roster } from '../presence/roster.ts';
import { Names } from './names.ts';

/**
 * The members of a room. In addition to what each roster promises, a name has one holder (`names.ts` has the rules, and why
 * compaction does not change the answer). A death is where the names of an incarnation become free.
 */
export class RoomRoster extends Roster<Member, Names> {
  /** `incarnation`: our own. */
  constructor(incarnation: string) {
    super(incarnation, new Names());
  }

  /** Names of all members in the order of joining; the same array until it changes. */
  get names(): readonly string[] {
    return this.claims.list;
  }

  get members(): Iterable<Claim<Member>> {
    return this.claims.members;
  }

  get size(): number {
    return this.claims.size;
  }

  holder(name: string): Claim<Member> | undefined {
    return this.claims.holder(name);
  }
}
