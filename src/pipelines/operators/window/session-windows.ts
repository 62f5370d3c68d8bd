import type { Hold, Message, PartitionPort } from '../../../sdk/index.ts';
import type { Accumulator } from './accumulators.ts';
import { EndQueue } from './end-queue.ts';
import { bytesOf, type Contribution, type Grouping, Windows } from './groups.ts';
import type { StateSize } from './state-limit.ts';

interface Session {
  readonly key: string;
  /** Time of its first record. */
  start: number;
  /** Time of its last record and the gap. */
  end: number;
  hold: Hold;
  readonly accumulators: Accumulator[];
  /** Closed, or taken in by another one. */
  isOver: boolean;
}

/**
 * Windows of one partition that last as long as records of their key follow each other within a gap. A record between two
 * sessions makes one of them.
 */
export class SessionWindows extends Windows {
  private readonly gap: number;
  private readonly byKey = new Map<string, Session[]>();
  private readonly ends = new EndQueue<Session>();

  constructor(grouping: Grouping, gap: number, port: PartitionPort, size: StateSize) {
    super(grouping, port, size);
    this.gap = gap;
  }

  override advance(): void {
    for (
      let ended = this.ends.take(this.port.watermark);
      ended !== undefined;
      ended = this.ends.take(this.port.watermark)
    )
      this.close(ended);
  }

  protected override add(record: Message, time: number, { key, values }: Contribution): void {
    const end = time + this.gap;
    const touched = (this.byKey.get(key) ?? []).filter((session) => session.start < end && time < session.end);
    if (touched.length === 0 && end <= this.port.watermark) {
      this.grouping.late(record);
      return;
    }
    this.size.check(touched.length === 0 ? 1 : 0);
    const session = this.merged(touched) ?? this.begin(key, time, record);
    const before = bytesOf(key, session.accumulators);
    session.start = Math.min(session.start, time);
    session.end = Math.max(session.end, end);
    this.grouping.aggregate.add(session.accumulators, values, time);
    this.size.bytes += bytesOf(key, session.accumulators) - before;
  }

  private begin(key: string, time: number, record: Message): Session {
    const { aggregate } = this.grouping;
    const hold = this.port.hold(record);
    const session = { key, start: time, end: time + this.gap, hold, accumulators: aggregate.create(), isOver: false };
    const ofKey = this.byKey.get(key);
    if (ofKey === undefined) this.byKey.set(key, [session]);
    else ofKey.push(session);
    this.ends.add(session);
    this.size.keys += 1;
    this.size.bytes += bytesOf(key, session.accumulators);
    return session;
  }

  /** All in the earliest one, which keeps the hold of the earliest record. */
  private merged(sessions: readonly Session[]): Session | undefined {
    const [into, ...others] = [...sessions].sort((one, other) => one.start - other.start);
    if (into === undefined) return undefined;
    for (const other of others) {
      const before = bytesOf(into.key, into.accumulators);
      this.forget(other);
      for (const [index, accumulator] of into.accumulators.entries()) {
        const later = other.accumulators[index];
        if (later !== undefined) accumulator.merge(later);
      }
      into.end = Math.max(into.end, other.end);
      const [kept, given] = into.hold.offset <= other.hold.offset ? [into.hold, other.hold] : [other.hold, into.hold];
      into.hold = kept;
      this.port.release(given);
      this.size.bytes += bytesOf(into.key, into.accumulators) - before;
    }
    return into;
  }

  private forget(session: Session): void {
    session.isOver = true;
    const ofKey = this.byKey.get(session.key) ?? [];
    if (ofKey.length > 1) ofKey.splice(ofKey.indexOf(session), 1);
    else this.byKey.delete(session.key);
    this.size.keys -= 1;
    this.size.bytes -= bytesOf(session.key, session.accumulators);
  }

  private close(session: Session): void {
    this.forget(session);
    const { key, start, end, hold, accumulators } = session;
    const results = [this.grouping.result(key, { start, end }, accumulators)];
    this.port.give({ end, results, done: () => this.port.release(hold) });
  }
}
