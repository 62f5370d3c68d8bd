import type { StateNote } from '../../core/group-state.ts';
import { Message } from '../../core/message.ts';
import type { StatefulOperator, Taken } from '../../core/stateful-operator.ts';
import { Outgoing } from '../../pipelines/state/outgoing.ts';
import { StatefulPartition } from '../../pipelines/state/partition.ts';
import { PartitionProgress } from '../../pipelines/state/progress.ts';

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

/** What is reported of a story while it happens. */
export interface StoryListener {
  /** Offsets at which a next stay begins, and how many results were stored until then. */
  crashed?(committed: number, stored: number): void;
  /** The operator threw for a record, which counts as settled then. Left out: the story ends with that error. */
  refused?(record: Message, error: unknown): void;
  /** The operator has taken a record, and nothing was settled yet. */
  taken?(record: Message): void;
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
  private readonly listener: StoryListener;
  private committed: number;

  constructor(
    operator: StatefulOperator,
    spacing: number,
    { committed, note }: { readonly committed: number; readonly note: StateNote | undefined },
    { damage, listener }: { readonly damage: Damage; readonly listener: StoryListener },
  ) {
    const progress = new PartitionProgress(committed, note, spacing);
    this.partition = new StatefulPartition(operator, PLACE, progress, this.outgoing, 0);
    this.committed = committed;
    this.position = note?.replay ?? committed;
    this.damage = damage;
    this.listener = listener;
  }

  /** Gives a promise where the operator waits for something before it has taken the record. */
  read({ key, time, json }: Sample): Promise<void> | undefined {
    const offset = this.position;
    const settled = () => this.unsettled.delete(offset);
    const init = { ...PLACE, key, offset, timestamp: time, target: { settled } };
    const record = new Message(Buffer.from(JSON.stringify(json)), init);
    record.isReplayed = offset < this.committed;
    this.unsettled.add(offset);
    this.position += 1;
    try {
      const taken = this.partition.take(record);
      if (taken instanceof Promise)
        return taken.then(
          (where) => this.took(record, where),
          (error: unknown) => this.refuse(record, error),
        );
      this.took(record, taken);
    } catch (error) {
      this.refuse(record, error);
    }
    return undefined;
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

  private took(record: Message, where: Taken): void {
    this.listener.taken?.(record);
    const isAwaiting = where === 'elsewhere' || this.partition.isAwaiting(record);
    if (this.damage.acksAtOnce === true || !isAwaiting) record.ack();
    this.pull();
  }

  private refuse(record: Message, error: unknown): void {
    if (this.listener.refused === undefined) throw error;
    this.listener.refused(record, error);
    record.ack('dead_letter');
    this.pull();
  }

  private pull(): void {
    for (let batch = this.outgoing.next(); batch !== undefined; batch = this.outgoing.next())
      this.given.push(...batch.messages);
  }
}

/** All that reaches the topic of results, whatever happens before. For operators that wait for nothing. */
export function runStory(
  operator: StatefulOperator,
  story: Story,
  damage: Damage = {},
  listener: StoryListener = {},
): Message[] {
  const told = tell(operator, story, damage, listener);
  for (;;) {
    const { done, value } = told.next();
    if (done === true) return value;
  }
}

/** The same for operators that wait before they have taken a record. */
export async function runStoryAsync(
  operator: StatefulOperator,
  story: Story,
  listener: StoryListener = {},
): Promise<Message[]> {
  const told = tell(operator, story, {}, listener);
  for (;;) {
    const { done, value } = told.next();
    if (done === true) return value;
    await value;
  }
}

/** Gives what has to be waited for, and at the end all that was stored. */
function* tell(
  operator: StatefulOperator,
  { samples, acts, isTransactional, spacing, end }: Story,
  damage: Damage,
  listener: StoryListener,
): Generator<Promise<void>, Message[]> {
  const stored: Message[] = [];
  let open: Message[] = [];
  let last: { committed: number; note: StateNote | undefined } = { committed: 0, note: undefined };
  let stay = new Stay(operator, spacing, last, { damage, listener });
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
      for (let n = 0; n < act.n && stay.position < samples.length; n += 1) {
        const reading = stay.read(samples[stay.position] as Sample);
        if (reading !== undefined) yield reading;
      }
    else if (act.do === 'store') for (let n = 0; n < act.n; n += 1) store();
    else if (act.do === 'commit') commit();
    else if (act.do === 'tick') stay.tick();
    else if (act.do === 'clock') stay.clock(stay.partition.watermark + act.n);
    else {
      open = [];
      stay = new Stay(operator, spacing, last, { damage, listener });
      listener.crashed?.(last.committed, stored.length);
    }
  }
  while (stay.position < samples.length) {
    const reading = stay.read(samples[stay.position] as Sample);
    if (reading !== undefined) yield reading;
  }
  if (end !== undefined) stay.clock(end);
  while (store());
  stay.tick();
  while (store());
  commit();
  return stored;
}
