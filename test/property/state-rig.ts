import type { StateNote } from '../../src/core/group-state.ts';
import { Message } from '../../src/core/message.ts';
import type { StatefulOperator } from '../../src/core/stateful-operator.ts';
import { Outgoing } from '../../src/pipelines/state/outgoing.ts';
import { StatefulPartition } from '../../src/pipelines/state/partition.ts';
import { PartitionProgress } from '../../src/pipelines/state/progress.ts';

/*
 * A partition is read by gateways that die at any moment, in any order of reading, storing and committing. The next one
 * goes on from the last commit and rebuilds its state by reading again.
 */

const PLACE = { topic: 'records', partition: 0 };

export interface Sample {
  readonly key: string;
  readonly time: number;
  readonly json: object;
}

/** The next thing that happens. `clock`: an idle partition follows the clock; `tick`: the operator's timer. */
export type Act =
  | { readonly do: 'read' | 'store' | 'clock'; readonly n: number }
  | { readonly do: 'commit' | 'crash' | 'tick' };

export interface Story {
  readonly samples: readonly Sample[];
  readonly acts: readonly Act[];
  /** Results and offsets are committed in one transaction. */
  readonly isTransactional: boolean;
  /** Offsets between two places from which reading may start again. */
  readonly spacing: number;
  /** What the clock says at the end, when all is read; left out: it says nothing. */
  readonly end?: number;
}

/** Parts of the design that can be left out, to see that they are needed. */
export interface Damage {
  readonly note?: (note: StateNote, committed: number) => StateNote;
  /** A record is acked when it is taken, also where it completed something. */
  readonly acksAtOnce?: boolean;
}

/** One gateway's stay in the partition. */
class Stay {
  readonly partition: StatefulPartition;
  /** Next offset to be read. */
  position: number;
  private readonly outgoing = new Outgoing();
  /** Results that were given out and are not stored, in their order. */
  private readonly given: Message[] = [];
  private readonly unsettled = new Set<number>();
  private readonly damage: Damage;
  private committed: number;

  constructor(
    operator: StatefulOperator,
    spacing: number,
    committed: number,
    note: StateNote | undefined,
    damage: Damage,
  ) {
    const progress = new PartitionProgress(committed, note, spacing);
    this.partition = new StatefulPartition(operator, PLACE, progress, this.outgoing, 0);
    this.committed = committed;
    this.position = note?.replay ?? committed;
    this.damage = damage;
  }

  read({ key, time, json }: Sample): void {
    const offset = this.position;
    const settled = () => this.unsettled.delete(offset);
    const init = { ...PLACE, key, offset, timestamp: time, target: { settled } };
    const record = new Message(Buffer.from(JSON.stringify(json)), init);
    record.isReplayed = offset < this.committed;
    this.unsettled.add(offset);
    void this.partition.take(record);
    if (this.damage.acksAtOnce === true || !this.partition.isAwaiting(record)) record.ack();
    this.position += 1;
    this.pull();
  }

  clock(time: number): void {
    this.partition.follow(time);
    this.pull();
  }

  tick(): void {
    this.partition.operator.tick?.();
    this.pull();
  }

  /** The topic of results takes the next one. */
  store(): Message | undefined {
    const result = this.given.shift();
    result?.ack();
    this.pull();
    return result;
  }

  /** Offset and note, or undefined while records that were committed before are read again. */
  commit(): { readonly committed: number; readonly note: StateNote } | undefined {
    if (this.position < this.committed) return undefined;
    this.committed = Math.max(this.committed, Math.min(this.position, ...this.unsettled));
    const note = this.partition.progress.note(this.committed);
    return { committed: this.committed, note: this.damage.note?.(note, this.committed) ?? note };
  }

  private pull(): void {
    for (let batch = this.outgoing.next(); batch !== undefined; batch = this.outgoing.next())
      this.given.push(...batch.messages);
  }
}

/** All that reaches the topic of results, whatever happens before. `crashed` hears of offsets at which a next stay begins. */
export function runStory(
  operator: StatefulOperator,
  { samples, acts, isTransactional, spacing, end }: Story,
  damage: Damage = {},
  crashed: (committed: number, stored: number) => void = () => {},
): Message[] {
  const stored: Message[] = [];
  let open: Message[] = [];
  let last: { committed: number; note: StateNote | undefined } = { committed: 0, note: undefined };
  let stay = new Stay(operator, spacing, 0, undefined, damage);
  const store = () => {
    const result = stay.store();
    if (result !== undefined) (isTransactional ? open : stored).push(result);
    return result !== undefined;
  };
  const commit = () => {
    // A transaction has all that was given out, or nothing of it.
    if (isTransactional) while (store());
    const committed = stay.commit();
    if (committed === undefined) return;
    last = committed;
    stored.push(...open);
    open = [];
  };
  for (const act of acts) {
    if (act.do === 'read')
      for (let n = 0; n < act.n && stay.position < samples.length; n += 1) stay.read(samples[stay.position] as Sample);
    else if (act.do === 'store') for (let n = 0; n < act.n; n += 1) store();
    else if (act.do === 'commit') commit();
    else if (act.do === 'tick') stay.tick();
    else if (act.do === 'clock') stay.clock(stay.partition.watermark + act.n);
    else {
      open = [];
      stay = new Stay(operator, spacing, last.committed, last.note, damage);
      crashed(last.committed, stored.length);
    }
  }
  while (stay.position < samples.length) stay.read(samples[stay.position] as Sample);
  if (end !== undefined) stay.clock(end);
  while (store());
  stay.tick();
  while (store());
  commit();
  return stored;
}
