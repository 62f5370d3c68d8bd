import type { Hold, Message, PartitionOperator, PartitionPort } from '../../../sdk/index.ts';
import { EndQueue } from '../end-queue.ts';
import type { StateSize } from '../state-limit.ts';
import type { Position } from './steps.ts';

/** What a record says. */
export interface Facts {
  readonly key: string;
  /** Whether each of the conditions holds. */
  readonly holds: readonly boolean[];
  /** JSON of what is kept of it. */
  readonly value: string;
}

/** What a match is made of. Times are milliseconds since the epoch. */
export interface Match {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  /** JSON of its records. */
  readonly values: readonly string[];
}

export interface Pattern {
  readonly positions: readonly Position[];
  /** Milliseconds from the first record on. */
  readonly within: number;
  /** A record of the key that does not belong to a match ends it. */
  readonly isStrict: boolean;
  /** All matches that end with the same record are given out, not only the one that began first. */
  readonly isOverlapping: boolean;
  /** Throws, or rejects with, TG_EXPRESSION_FAILED. */
  read(record: Message): Facts | Promise<Facts>;
  /** `by`: the record that completed it; left out where time did. */
  result(match: Match, by?: Message): Message;
  /** No match that begins with the record can be completed any more. */
  late(record: Message): void;
}

/** Bytes of a match with its entries in lists, about, without what it keeps of records. */
const RUN_BYTES = 240;

/** A match that began and is not complete. What becomes of it depends on nothing but the records behind its first. */
interface Run {
  readonly key: string;
  readonly start: number;
  /** It is complete before this time, or not at all. */
  readonly end: number;
  readonly hold: Hold;
  /** Index of the position at which it waits. */
  at: number;
  values: readonly string[];
  bytes: number;
  isOver: boolean;
}

/** Matches in one partition, which are not complete. */
export class Matches implements PartitionOperator {
  readonly size: StateSize;
  private readonly pattern: Pattern;
  private readonly port: PartitionPort;
  /** For each key, those that wait at each position. */
  private readonly byKey = new Map<string, Map<number, Set<Run>>>();
  private readonly ends = new EndQueue<Run>();

  constructor(pattern: Pattern, port: PartitionPort, size: StateSize) {
    this.pattern = pattern;
    this.port = port;
    this.size = size;
  }

  take(record: Message, time: number): undefined | Promise<undefined> {
    const facts = this.pattern.read(record);
    if (facts instanceof Promise) return facts.then((ready) => this.add(record, time, ready));
    return this.add(record, time, facts);
  }

  advance(): void {
    const { watermark } = this.port;
    for (let ended = this.ends.take(watermark); ended !== undefined; ended = this.ends.take(watermark)) {
      const { hold, end } = ended;
      const match = { ...ended, end };
      const isAbsence = this.pattern.positions[ended.at]?.when === undefined;
      this.forget(ended);
      if (isAbsence)
        this.port.give({ end, results: [this.pattern.result(match)], done: () => this.port.release(hold) });
      else this.port.release(hold);
    }
  }

  private add(record: Message, time: number, { key, holds, value }: Facts): undefined {
    const { positions, within } = this.pattern;
    const begins = holds[0] === true;
    const isLate = begins && time + within <= this.port.watermark;
    if (begins && !isLate) this.size.check(1);
    const waiting = this.byKey.get(key);
    // From the last one on, so that a record is not two of one match.
    for (let at = positions.length - 1; at > 0 && waiting !== undefined; at -= 1)
      this.move(waiting.get(at), positions[at] as Position, { record, time, holds, value });
    if (isLate) {
      this.port.late(record);
      this.pattern.late(record);
    } else if (begins) this.begin(record, time, key, value);
  }

  /** What the record means for those that wait at one position. */
  private move(
    runs: ReadonlySet<Run> | undefined,
    { when, unless }: Position,
    { record, time, holds, value }: Omit<Facts, 'key'> & { record: Message; time: number },
  ): void {
    const isNext = when !== undefined && holds[when] === true;
    const isUnwanted = unless !== undefined && holds[unless] === true;
    const ends = isUnwanted || (this.pattern.isStrict && when !== undefined && !isNext);
    if (runs === undefined || !(isNext || ends)) return;
    const complete: Run[] = [];
    for (const run of runs) {
      if (Math.abs(time - run.start) >= this.pattern.within) continue;
      if (ends) {
        this.drop(run);
        this.port.release(run.hold);
      } else if (run.at + 1 < this.pattern.positions.length) this.step(run, value);
      else complete.push(run);
    }
    this.complete(complete, record, time, value);
  }

  private begin(record: Message, time: number, key: string, value: string): void {
    const hold = this.port.hold(record);
    const end = time + this.pattern.within;
    const run = { key, start: time, end, hold, at: 1, values: [value], bytes: RUN_BYTES + value.length, isOver: false };
    this.enter(run);
    this.ends.add(run);
    this.size.keys += 1;
    this.size.bytes += run.bytes;
  }

  private step(run: Run, value: string): void {
    this.leave(run);
    run.at += 1;
    run.values = [...run.values, value];
    run.bytes += value.length;
    this.size.bytes += value.length;
    this.enter(run);
  }

  /** In the order in which they began. */
  private complete(runs: readonly Run[], record: Message, time: number, value: string): void {
    if (runs.length === 0) return;
    const ordered = [...runs].sort((one, other) => one.hold.offset - other.hold.offset);
    const given = this.pattern.isOverlapping ? ordered : ordered.slice(0, 1);
    const matches = given.map(({ key, start, values }) => ({ key, start, end: time, values: [...values, value] }));
    for (const run of runs) {
      this.drop(run);
      this.port.release(run.hold, record);
    }
    this.port.give({ by: record, results: matches.map((match) => this.pattern.result(match, record)) });
  }

  /** Ends a run in front of its time. */
  private drop(run: Run): void {
    this.forget(run);
    // Its entry among the ends stays for a while.
    run.values = [];
    this.ends.drop();
  }

  private forget(run: Run): void {
    run.isOver = true;
    this.leave(run);
    this.size.keys -= 1;
    this.size.bytes -= run.bytes;
  }

  private enter(run: Run): void {
    const positions = this.byKey.get(run.key) ?? new Map<number, Set<Run>>();
    const runs = positions.get(run.at) ?? new Set<Run>();
    runs.add(run);
    positions.set(run.at, runs);
    this.byKey.set(run.key, positions);
  }

  private leave(run: Run): void {
    const positions = this.byKey.get(run.key);
    const runs = positions?.get(run.at);
    runs?.delete(run);
    if (runs?.size === 0) positions?.delete(run.at);
    if (positions?.size === 0) this.byKey.delete(run.key);
  }
}
