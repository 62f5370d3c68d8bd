import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import { pause } from '../../core/waiting.ts';
import { type Append, Records } from '../../transports/embedded/records/records.ts';
import type { ReadResult } from '../../transports/embedded/records/stored-records.ts';
import type { Tables } from '../../transports/embedded/records/tables.ts';
import { type LogFaults, linkIsDown } from './faults.ts';

export interface MemoryRecordsParts {
  readonly faults: LogFaults;
  readonly clock: Clock;
  /** Called with what gateways store, and the offset of the first record of each append. */
  readonly stored: (appends: readonly Append[], bases: readonly number[]) => void;
  /** Called when something is read. */
  readonly moved: () => void;
}

/** The records of a log in memory, whose sends meet the faults that a test has planned. */
export class MemoryRecords extends Records {
  private readonly parts: MemoryRecordsParts;
  /** Sends that were stored and not answered, which the log knows when they come again. */
  private readonly known = new WeakMap<readonly Append[], readonly number[]>();

  constructor(tables: Tables, parts: MemoryRecordsParts) {
    super(tables);
    this.parts = parts;
  }

  override get isReachable(): boolean {
    return this.parts.faults.isUp;
  }

  override async append(appends: readonly Append[], also?: () => void): Promise<number[]> {
    const known = this.known.get(appends);
    if (known !== undefined) return [...known];
    const { faults, clock } = this.parts;
    if (!faults.isUp) throw linkIsDown();
    const fault = faults.take(appends.map(({ partition }) => partition.topic.name));
    if (fault === undefined) return this.store(appends, also);
    if (fault.type === 'refuse')
      throw new TidegateError('TG_RECORD_REFUSED', 'the test has the log refuse these records');
    // What a transaction stores is there as a whole or not at all, and is known to be.
    if (fault.type === 'lost' || (also !== undefined && fault.type !== 'late')) throw unanswered();
    const bases = await this.store(appends, also);
    if (fault.type === 'late') {
      await pause(clock, fault.after);
      return bases;
    }
    if (fault.type === 'duplicate') throw new TidegateError('TG_LOG_FENCED', 'the test has the producer replaced');
    this.known.set(appends, bases);
    throw unanswered();
  }

  /** What a test stores itself, which meets no faults. */
  feed(appends: readonly Append[]): Promise<number[]> {
    return super.append(appends);
  }

  override read(...given: Parameters<Records['read']>): ReadResult {
    this.parts.moved();
    return super.read(...given);
  }

  private async store(appends: readonly Append[], also?: () => void): Promise<number[]> {
    const bases = await super.append(appends, also);
    this.parts.stored(appends, bases);
    return bases;
  }
}

function unanswered(): TidegateError {
  return new TidegateError('TG_LOG_UNAVAILABLE', 'the test has the log not answer this send');
}
