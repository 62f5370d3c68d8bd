import type { Message, PairOperator, PairPort, Side } from '../../../sdk/index.ts';
import { EndQueue } from '../end-queue.ts';
import type { StateSize } from '../state-limit.ts';
import { type Kept, KeptRecords } from './kept-records.ts';

/** What a join does with records, and makes of them. */
export interface Joining {
  /** Milliseconds that the times of two records may be apart. */
  readonly within: number;
  /** Whether a left record without a partner gives a result too. */
  readonly isLeft: boolean;
  /** undefined: it is joined with nothing. Throws, or rejects with, TG_EXPRESSION_FAILED or TG_MESSAGE_INVALID. */
  read(record: Message): Readable | undefined | Promise<Readable | undefined>;
  result(left: Kept, right: Kept | undefined): Message;
  /** It is too far behind others of its own partition. */
  late(record: Message): void;
}

export interface Readable {
  readonly key: string;
  /** JSON. */
  readonly text: string;
}

/** Bytes of a record's entries, about, without its key and text. */
const RECORD_BYTES = 260;

/**
 * The records of both sides, in the partitions of one number, that still may have partners. What is late depends on its own
 * partition alone, and what a record meets on the times of both: not on which of them was read first.
 */
export class JoinedPartitions implements PairOperator {
  readonly size: StateSize;
  private readonly joining: Joining;
  private readonly port: PairPort;
  private readonly kept = { left: new Map<string, KeptRecords>(), right: new Map<string, KeptRecords>() };
  private readonly ends = { left: new EndQueue<Kept>(), right: new EndQueue<Kept>() };

  constructor(joining: Joining, port: PairPort, size: StateSize) {
    this.size = size;
    this.joining = joining;
    this.port = port;
  }

  take(side: Side, record: Message, time: number): undefined | Promise<undefined> {
    const readable = this.joining.read(record);
    if (readable instanceof Promise) return readable.then((ready) => this.add(side, record, time, ready));
    return this.add(side, record, time, readable);
  }

  advance(): void {
    const { port, ends } = this;
    const left = port.watermarkOf('left');
    for (let over = ends.right.take(left); over !== undefined; over = ends.right.take(left)) {
      this.drop('right', over);
      this.letGo(over);
    }
    // Before that a partner may still be read.
    if (!port.isRebuilt) return;
    const right = port.watermarkOf('right');
    for (let over = ends.left.take(right); over !== undefined; over = ends.left.take(right)) {
      this.drop('left', over);
      const { end } = over;
      const isStored = over.isReplayed && port.wasStored('right', end);
      if (this.isAlone(over) && !isStored)
        port.give({ by: { side: 'right', end }, results: [this.joining.result(over, undefined)] });
      this.close(over);
    }
  }

  forget(side: Side): void {
    for (const record of recordsIn(this.kept[side])) {
      this.count(record, -1);
      if (record.partner !== undefined) this.letGo(record.partner);
    }
    // The holds of that side are gone with it.
    if (side === 'right')
      for (const { partner } of recordsIn(this.kept.left))
        if (partner !== undefined) partner.users = Number.POSITIVE_INFINITY;
    this.size.keys -= this.kept[side].size;
    this.kept[side].clear();
    this.ends[side] = new EndQueue();
  }

  private add(side: Side, record: Message, time: number, readable: Readable | undefined): undefined {
    if (readable === undefined) return;
    if (time < this.port.watermarkOf(side)) {
      this.port.late(record);
      this.joining.late(record);
      return;
    }
    const { key, text } = readable;
    const other = side === 'left' ? 'right' : 'left';
    const end = time + this.joining.within + 1;
    const isAwaited = this.port.watermarkOf(other) < end;
    if (isAwaited) this.size.check(this.kept[side].has(key) ? 0 : 1, true);
    const { isReplayed } = record;
    const hold = this.port.hold(side, record);
    const one: Kept = { key, text, time, end, hold, isReplayed, partner: undefined, users: 1, isOver: false };
    this.meet(side, one, record);
    if (isAwaited || (side === 'left' && !this.port.isRebuilt)) this.keep(side, one);
    else this.closeAtOnce(side, one, record);
  }

  /** Gives out what it makes with those of the other side that are there. */
  private meet(side: Side, one: Kept, record: Message): void {
    const { within } = this.joining;
    const there = this.kept[side === 'left' ? 'right' : 'left'].get(one.key);
    const partners = there?.between(one.time - within, one.time + within) ?? [];
    if (partners.length === 0) return;
    for (const other of partners) {
      if (side === 'left') this.join(one, other);
      else this.join(other, one);
    }
    const fresh = one.isReplayed ? partners.filter(({ isReplayed }) => !isReplayed) : partners;
    if (fresh.length > 0) this.port.give({ by: { side, record }, results: this.results(side, one, fresh) });
  }

  /** The right one is read again for as long as the left one is, which has to find out again that it has a partner. */
  private join(left: Kept, right: Kept): void {
    if (!this.joining.isLeft || left.partner !== undefined) return;
    left.partner = right;
    right.users += 1;
  }

  private *results(side: Side, one: Kept, partners: readonly Kept[]): Iterable<Message> {
    for (const other of partners)
      yield side === 'left' ? this.joining.result(one, other) : this.joining.result(other, one);
  }

  private keep(side: Side, record: Kept): void {
    const ofSide = this.kept[side];
    let records = ofSide.get(record.key);
    if (records === undefined) {
      records = new KeptRecords();
      ofSide.set(record.key, records);
      this.size.keys += 1;
    }
    records.add(record);
    this.ends[side].add(record);
    this.count(record, 1);
  }

  /** The other side is so far ahead already that no partner can come any more. */
  private closeAtOnce(side: Side, one: Kept, record: Message): void {
    if (side === 'right') {
      this.letGo(one);
      return;
    }
    if (this.isAlone(one)) this.port.give({ by: { side, record }, results: [this.joining.result(one, undefined)] });
    this.close(one);
  }

  private isAlone({ partner }: Kept): boolean {
    return this.joining.isLeft && partner === undefined;
  }

  private close(left: Kept): void {
    this.port.release('left', left.hold);
    if (left.partner !== undefined) this.letGo(left.partner);
  }

  private letGo(right: Kept): void {
    right.users -= 1;
    if (right.users === 0) this.port.release('right', right.hold);
  }

  private drop(side: Side, record: Kept): void {
    const records = this.kept[side].get(record.key);
    record.isOver = true;
    records?.remove(record);
    if (records?.isEmpty === true) {
      this.kept[side].delete(record.key);
      this.size.keys -= 1;
    }
    this.count(record, -1);
  }

  private count({ key, text }: Kept, sign: 1 | -1): void {
    this.size.bytes += sign * (RECORD_BYTES + key.length + text.length);
  }
}

function recordsIn(kept: ReadonlyMap<string, KeptRecords>): Kept[] {
  return [...kept.values()].flatMap((records) => records.all());
}
