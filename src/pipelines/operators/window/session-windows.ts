import type { Hold, Message, PartitionPort, Taken } from '../../../sdk/index.ts';
import { EndQueue } from '../end-queue.ts';
import type { StateSize } from '../state-limit.ts';
import type { Accumulator } from './accumulators.ts';
import type { Contribution, Grouping, ResultKind } from './grouping.ts';
import { bytesOf, Windows } from './groups.ts';

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

/** Results in one release, so that those in front of it are done before all have ended that will. */
const MOST_AT_ONCE = 4_096;

/**
 * Windows of one partition that last as long as records of their key follow each other within a gap. A record between two
 * sessions makes one of them.
 */
export class SessionWindows extends Windows {
  private readonly gap: number;
  private readonly byKey = new Map<string, Session[]>();
  private readonly ends = new EndQueue<Session>();
  /** Whether sessions that have ended are being given out. Until they are they count as kept, and take no record. */
  private isGiving = false;

  constructor(grouping: Grouping, gap: number, port: PartitionPort, size: StateSize) {
    super(grouping, port, size);
    this.gap = gap;
  }

  override advance(): void {
    if (!this.isGiving) this.giveEnded();
  }

  override giveAllEarly(at: number): boolean {
    this.freeEnded();
    const sessions = [...this.byKey.values()].flat().sort((one, other) => one.start - other.start);
    if (sessions.length === 0) return false;
    const given = this.port.giveEarly(at, {
      results: this.resultsOf(sessions, { part: at }),
      done: () => this.release(sessions),
    });
    if (!given) return false;
    for (const session of sessions) this.forget(session);
    this.ends.clear();
    return true;
  }

  /** All at once: there is no room for them. */
  protected override freeEnded(): void {
    const sessions: Session[] = [];
    for (let ended = this.takeEnded(); ended !== undefined; ended = this.takeEnded())
      if (this.port.wasStored(ended.end)) this.port.release(ended.hold);
      else sessions.push(ended);
    const [first] = sessions;
    if (first === undefined) return;
    this.port.give({ end: first.end, results: this.resultsOf(sessions, 'final'), done: () => this.release(sessions) });
  }

  protected override add(record: Message, time: number, { key, values }: Contribution): Taken {
    const end = time + this.gap;
    const { watermark } = this.port;
    const touched = (this.byKey.get(key) ?? []).filter(
      (session) => session.end > watermark && session.start < end && time < session.end,
    );
    if (touched.length === 0 && end <= watermark) return this.late(record);
    this.makeRoom(record, () => (touched.length === 0 ? 1 : 0));
    const session = this.merged(touched) ?? this.begin(key, time, record);
    const before = bytesOf(key, session.accumulators);
    session.start = Math.min(session.start, time);
    session.end = Math.max(session.end, end);
    this.grouping.aggregate.add(session.accumulators, values, time);
    this.size.bytes += bytesOf(key, session.accumulators) - before;
    this.unshown.changed(session.accumulators, key, session, record);
    return undefined;
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
    this.size.windows += 1;
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
    this.size.windows -= 1;
    this.size.bytes -= bytesOf(session.key, session.accumulators);
    this.unshown.forget(session.accumulators);
  }

  /** A hundred thousand may end at once, so each is closed as its result is asked for. */
  private giveEnded(): void {
    const until = this.port.watermark;
    let first = this.ends.peek(until);
    for (; first !== undefined && this.port.wasStored(first.end); first = this.ends.peek(until)) {
      this.ends.take(until);
      this.forget(first);
      this.port.release(first.hold);
    }
    if (first === undefined) return;
    this.isGiving = true;
    const given: Session[] = [];
    this.port.give({ end: first.end, results: this.ending(until, given), done: () => this.release(given) });
  }

  private *ending(until: number, given: Session[]): Iterable<Message> {
    while (given.length < MOST_AT_ONCE) {
      const session = this.takeEnded(until);
      if (session === undefined) break;
      given.push(session);
      yield this.resultOf(session, 'final');
    }
    this.isGiving = false;
    this.giveEnded();
  }

  private takeEnded(until = this.port.watermark): Session | undefined {
    const session = this.ends.take(until);
    if (session !== undefined) this.forget(session);
    return session;
  }

  private *resultsOf(sessions: readonly Session[], kind: ResultKind): Iterable<Message> {
    for (const session of sessions) yield this.resultOf(session, kind);
  }

  private resultOf(session: Session, kind: ResultKind): Message {
    return this.grouping.result(session.key, session, session.accumulators, kind);
  }

  private release(sessions: readonly Session[]): void {
    for (const { hold } of sessions) this.port.release(hold);
  }
}
