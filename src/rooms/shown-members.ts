import type { Change } from './port.ts';
import { RoomRoster } from './roster.ts';

/**
 * The members that the observer knows of, and the changes that it does not know of yet. It knows of none until a roster
 * is complete, and keeps those of the former incarnation while the next one reads the topic.
 */
export class ShownMembers {
  private readonly changed: (changes: readonly Change[]) => void;
  private roster = new RoomRoster('');
  private pending: Change[] = [];

  constructor(changed: (changes: readonly Change[]) => void) {
    this.changed = changed;
  }

  /** What the observer knows of. */
  get current(): RoomRoster {
    return this.roster;
  }

  /** All that has changed since the roster before, or all members where it is the first one. */
  show(roster: RoomRoster): void {
    const before = this.roster;
    this.roster = roster;
    for (const { key, member } of before.members)
      if (roster.holder(member.name)?.key !== key) this.add({ type: 'left', member });
    for (const { key, member } of roster.members)
      if (before.holder(member.name)?.key !== key) this.add({ type: 'joined', member });
  }

  /** Is passed on by `flush`, with all other changes of the same batch. */
  add(change: Change): void {
    this.pending.push(change);
  }

  flush(): void {
    if (this.pending.length === 0) return;
    const changes = this.pending;
    this.pending = [];
    this.changed(changes);
  }
}
