import type { Message, PartitionPort } from '../../../sdk/index.ts';
import type { Accumulator } from './accumulators.ts';
import type { Grouping, Span } from './grouping.ts';

interface Group {
  readonly key: string;
  /** That of a session moves while it waits to be shown. */
  readonly span: Span;
}

/**
 * Groups of open windows that have changed since they were shown. While results wait for the sink a group that changes
 * again is shown once, as it is then, so that nothing is kept for it but its state.
 */
export class Unshown {
  private readonly grouping: Grouping;
  private readonly port: PartitionPort;
  /** By what they have accumulated, so that groups which are not here need nothing for it. */
  private readonly groups = new Map<readonly Accumulator[], Group>();
  private isShowing = false;
  private shownAt: number;

  constructor(grouping: Grouping, port: PartitionPort) {
    this.grouping = grouping;
    this.port = port;
    this.shownAt = grouping.now();
  }

  /** A record has changed it. While state is rebuilt nothing is shown. */
  changed(accumulators: readonly Accumulator[], key: string, span: Span, { isReplayed }: Message): void {
    if (this.grouping.changes === undefined) return;
    this.groups.set(accumulators, { key, span });
    if (this.grouping.changes === 0 && !isReplayed) this.show();
  }

  /** It has ended: its last result is no change. */
  forget(accumulators: readonly Accumulator[]): void {
    this.groups.delete(accumulators);
  }

  tick(): void {
    const { changes } = this.grouping;
    if (changes !== undefined && this.grouping.now() - this.shownAt >= changes) this.show();
  }

  private show(): void {
    if (this.groups.size === 0 || this.isShowing) return;
    this.isShowing = true;
    this.port.show(this.results());
  }

  private *results(): Iterable<Message> {
    for (const [accumulators, { key, span }] of this.groups) {
      this.groups.delete(accumulators);
      yield this.grouping.result(key, span, accumulators, 'change');
    }
    this.isShowing = false;
    this.shownAt = this.grouping.now();
  }
}
