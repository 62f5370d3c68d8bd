import { TidegateError } from '../../core/errors.ts';
import type { RemoteEnd } from '../../core/remote.ts';
import { formatDuration } from '../../core/units.ts';
import type { ComponentContext } from '../../sdk/context.ts';
import type { RemoteMetrics, ReplaceCause } from '../reports/metrics.ts';
import type { Attempts } from './attempts.ts';

export interface ConnectionReportsOptions {
  /** The URL as it may be shown. */
  readonly name: string;
  readonly metrics: Pick<RemoteMetrics, 'connected' | 'lost' | 'replaced'>;
  readonly attempts: Pick<Attempts, 'count' | 'succeeded' | 'ended' | 'replaced'>;
  readonly context: Pick<ComponentContext, 'logger'>;
}

/**
 * What the log and the metrics say of the connections of a dialer: that one is live, or why it ended, and what follows. It was
 * lost, was not made, or was closed so that a new one replaces it.
 */
export class ConnectionReports {
  /** Why the last connection ended, in words that may be shown; undefined before the first end. */
  reason: string | undefined;
  /** The same, with what failed. */
  private text = '';
  private readonly options: ConnectionReportsOptions;
  private replacement: { readonly cause: ReplaceCause; readonly why: string } | undefined;

  constructor(options: ConnectionReportsOptions) {
    this.options = options;
  }

  connected(): void {
    const { name, metrics, attempts, context } = this.options;
    metrics.connected(name);
    const failed = attempts.succeeded();
    const after = failed === 0 ? '' : ` after ${failed} failed ${failed === 1 ? 'attempt' : 'attempts'}`;
    context.logger.info({ url: name }, `connected to ${name}${after}`);
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

  /** After an end: the next attempt is in so many milliseconds. */
  waiting(delay: number): void {
    const { name, attempts, context } = this.options;
    const { count: attempt } = attempts;
    const next = delay === 0 ? 'it is made again at once' : `the next attempt is in ${formatDuration(delay)}`;
    const level = delay === 0 ? 'info' : 'warn';
    context.logger[level]({ url: name, attempt, delay }, `${this.text}; ${next}`);
  }

  /** After an end: there is no other attempt. Returns the failure for the pipeline. */
  failed(): TidegateError {
    const { name, context } = this.options;
    const failure = new TidegateError(
      'TG_REMOTE_FAILED',
      `${this.text}; reconnect.enabled is false, so there is no other attempt`,
    );
    context.logger.error({ url: name, code: failure.code }, failure.message);
    return failure;
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
