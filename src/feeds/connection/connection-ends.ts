import type { RemoteEnd } from '../../core/remote.ts';
import type { RemoteMetrics, ReplaceCause } from '../reports/metrics.ts';
import type { Attempts } from './attempts.ts';

export interface ConnectionEndsOptions {
  /** The URL as it may be shown. */
  readonly name: string;
  readonly metrics: Pick<RemoteMetrics, 'lost' | 'replaced'>;
  readonly attempts: Pick<Attempts, 'ended' | 'replaced'>;
}

/** Why the connections of a dialer ended: they were lost, were not made, or were closed so that a new one replaces them. */
export class ConnectionEnds {
  /** Why the last connection ended, in words that may be shown; undefined before the first end. */
  reason: string | undefined;
  /** The same, with what failed. */
  text = '';
  private readonly options: ConnectionEndsOptions;
  private replacement: { readonly cause: ReplaceCause; readonly why: string } | undefined;

  constructor(options: ConnectionEndsOptions) {
    this.options = options;
  }

  /** Whether the connection is being closed so that a new one replaces it. */
  get isReplacing(): boolean {
    return this.replacement !== undefined;
  }

  /** The connection is about to be closed so that a new one replaces it; `why` may be shown. */
  replacing(cause: ReplaceCause, why: string): void {
    this.replacement = { cause, why };
  }

  /** Returns the end as it is reported. */
  ended(end: RemoteEnd, wasLive: boolean): RemoteEnd {
    const shown = this.replacement === undefined ? this.lost(end, wasLive) : this.left(end, this.replacement);
    this.reason = shown.reason;
    return shown;
  }

  /** A connection has ended that was to last, or was not made. */
  private lost(end: RemoteEnd, wasLive: boolean): RemoteEnd {
    const { name, metrics, attempts } = this.options;
    attempts.ended(wasLive);
    this.text = `${wasLive ? 'lost the connection to' : 'cannot connect to'} ${name}: ${end.reason}`;
    metrics.lost(end.kind, wasLive);
    return end;
  }

  /** A connection has ended that was closed here. */
  private left({ code }: RemoteEnd, { cause, why }: { cause: ReplaceCause; why: string }): RemoteEnd {
    const { name, metrics, attempts } = this.options;
    this.replacement = undefined;
    attempts.replaced(cause);
    this.text = `closed the connection to ${name}: ${why}`;
    metrics.replaced(cause);
    return { kind: 'closed', code, reason: why };
  }
}
