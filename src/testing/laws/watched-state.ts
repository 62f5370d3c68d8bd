import type { Message } from '../../core/message.ts';
import type {
  Hold,
  PartitionOperator,
  PartitionPort,
  Release,
  StatefulOperator,
} from '../../core/stateful-operator.ts';
import { Breach } from './breach.ts';

/** An operator whose calls of its engine are watched. */
export class WatchedState {
  readonly operator: StatefulOperator;
  /** The state of the stay that is on. */
  state: PartitionOperator | undefined;
  /** Holds of that stay that were not released. */
  readonly holds = new Set<Hold>();
  /** Whether it gives out what may come a second time. */
  isRepeatable = false;
  /** What was shown before its end, which nothing waits for. */
  readonly shown = new Set<Message>();
  /** The first thing that it did against the rules of its engine. */
  breach: Breach | undefined;
  private lastEnd = Number.NEGATIVE_INFINITY;

  constructor(operator: StatefulOperator) {
    this.operator = {
      lateness: operator.lateness,
      idle: operator.idle,
      every: operator.every,
      restartsWhereEmpty: operator.restartsWhereEmpty === true,
      timeOf: (record) => operator.timeOf(record),
      partition: (port) => this.begin(operator, port),
    };
  }

  private begin(operator: StatefulOperator, port: PartitionPort): PartitionOperator {
    this.holds.clear();
    this.lastEnd = Number.NEGATIVE_INFINITY;
    const state = operator.partition(this.watched(port));
    this.state = state;
    return state;
  }

  private watched(port: PartitionPort): PartitionPort {
    const release = (hold: Hold) => {
      this.expect(this.holds.delete(hold), 'it released a hold that it did not have', 'release each hold once');
    };
    return {
      get watermark() {
        return port.watermark;
      },
      get isReplaying() {
        return port.isReplaying;
      },
      hold: (record) => {
        const hold = port.hold(record);
        this.holds.add(hold);
        return hold;
      },
      release: (hold, by) => {
        release(hold);
        port.release(hold, by);
      },
      give: (given) => this.give(port, given, release),
      wasStored: (end) => port.wasStored(end),
      giveEarly: (at, early) => port.giveEarly(at, early),
      show: (results) => port.show(this.remembered(results)),
      late: (record) => port.late(record),
      mayRestart: (at) => port.mayRestart(at),
    };
  }

  private give(port: PartitionPort, given: Release, release: (hold: Hold) => void): void {
    if ('end' in given) {
      const { end } = given;
      this.expect(
        end <= port.watermark,
        `it gave out what ends at ${end}, and the watermark is ${port.watermark}`,
        'give out in advance() what ends at or before port.watermark: records that belong to the rest may still come',
      );
      this.expect(
        end >= this.lastEnd,
        `it gave out what ends at ${end} behind what ends at ${this.lastEnd}`,
        'give out what has ended in the order of its end: the last end alone says what the log has',
      );
      this.lastEnd = end;
      port.give(given);
    } else if ('by' in given) port.give(given);
    else {
      this.isRepeatable = true;
      const done = () => {
        for (const hold of given.holds) release(hold);
        given.done();
      };
      port.give({ ...given, done });
    }
  }

  private *remembered(results: Iterable<Message>): Iterable<Message> {
    for (const result of results) {
      this.shown.add(result);
      yield result;
    }
  }

  private expect(holds: boolean, what: string, advice: string): void {
    if (!holds) this.breach ??= new Breach(what, advice);
  }
}
