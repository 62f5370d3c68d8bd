import { backoffDelay } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import type { RemoteSettings } from '../../sdk/connect-settings.ts';
import type { ReplaceCause } from '../reports/metrics.ts';
import type { ConnectPace } from '../request/connect-pace.ts';

/** Milliseconds that a connection must last for the back-off to begin again. */
const STABLE = 10_000;

/** Counts the attempts to connect, for the pause before the next one and for the log. */
export class Attempts {
  /** Connections and failed attempts since the last stable connection. */
  count = 0;
  private readonly settings: RemoteSettings['reconnect'];
  private readonly clock: Clock;
  private readonly pace: ConnectPace | undefined;
  private failed = 0;
  /** By `Clock.elapsed`; undefined if there is no live connection. */
  private liveAt: number | undefined;
  /** Whether the server has asked for a new connection since the last stable one. */
  private wasAsked = false;
  private isAtOnce = false;

  /** `pace`: of the connections to the same server, if there are several. */
  constructor(settings: RemoteSettings['reconnect'], clock: Clock, pace: ConnectPace | undefined) {
    this.settings = settings;
    this.clock = clock;
    this.pace = pace;
  }

  /** Milliseconds until the first attempt. */
  get firstDelay(): number {
    return this.pace?.reserve(0) ?? 0;
  }

  /** Whether the connection has lasted so long that the next one may be made at once. */
  get isStable(): boolean {
    return this.liveAt !== undefined && this.clock.elapsed() - this.liveAt >= STABLE;
  }

  /** A connection is live. Returns the number of failed attempts since the previous one. */
  succeeded(): number {
    const { failed } = this;
    this.failed = 0;
    this.liveAt = this.clock.elapsed();
    return failed;
  }

  /** A connection was lost, or could not be made. */
  ended(wasLive: boolean): void {
    this.isAtOnce = false;
    this.over();
    this.count += 1;
    if (!wasLive) this.failed += 1;
  }

  /**
   * A connection was closed so that a new one replaces it: at once, unless the server asks again and again. Pauses do not
   * count as time in which it did not ask.
   */
  replaced(cause: ReplaceCause): void {
    const wasLive = this.liveAt !== undefined;
    this.over();
    // `every` sets the pace itself.
    this.isAtOnce = cause === 'age' ? wasLive : !this.wasAsked;
    if (cause === 'message') this.wasAsked = true;
    this.count = this.isAtOnce ? 0 : this.count + 1;
  }

  /** Milliseconds until the next attempt. */
  delay(): number {
    const { interval, backoff } = this.settings;
    const delay = this.isAtOnce ? 0 : (interval ?? backoffDelay(this.count, backoff));
    return this.pace?.reserve(delay) ?? delay;
  }

  private over(): void {
    if (this.isStable) {
      this.count = 0;
      this.wasAsked = false;
    }
    this.liveAt = undefined;
  }
}
