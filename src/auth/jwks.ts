import { type Clock, type Mark, mark, sinceMark } from '../core/clock.ts';
import { reasonOf } from '../core/errors.ts';
import { displayUrl } from '../core/secrets.ts';
import { formatDuration } from '../core/units.ts';
import { LineLimit, sinceLastLine } from '../telemetry/line-limit.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Stats } from '../telemetry/stats.ts';
import type { Algorithm } from './algorithms.ts';
import { requestJwks } from './jwks-request.ts';
import { type KeySet, type KeySource, KeysUnavailable } from './key-source.ts';
import { keysOfJwks } from './verification-key.ts';

export interface JwksOptions {
  /** Name of the entry of `auth`. */
  readonly name: string;
  readonly url: string;
  readonly algorithms: readonly Algorithm[];
  /** Milliseconds after which the keys are fetched again. */
  readonly cache: number;
  /** Milliseconds beyond that for which they are used while the server is away. */
  readonly maxStale: number;
  /** Least milliseconds between two requests. */
  readonly refetch: number;
  readonly timeout: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
}

/** Tokens with an unknown key that wait for the next request. */
const MAX_WAITING = 1_000;

/**
 * The keys of a key server. They are fetched when the gateway starts, before they are too old, and where a token names a key
 * that is not among them: one request for all that wait for it, and never more often than `refetch` says.
 */
export class Jwks implements KeySource {
  private readonly options: JwksOptions;
  private readonly lines: LineLimit;
  private readonly end = new AbortController();
  private readonly stopMeasuring: () => void;
  private held: { readonly keys: KeySet; readonly at: Mark } | undefined;
  /** Under way, or about to be made. */
  private request: Promise<void> | undefined;
  private lastRequest = Number.NEGATIVE_INFINITY;
  private hasFailed = false;
  private waiting = 0;
  private cancel: () => void = () => {};
  /** Ends the pause before a request. */
  private wake: () => void = () => {};

  constructor(options: JwksOptions) {
    this.options = options;
    const { name, clock, stats } = options;
    this.lines = new LineLimit(clock);
    this.stopMeasuring = stats.gauge('tidegate_auth_keys_age_seconds', { auth: name }, () => this.age / 1_000);
    void this.fetch();
  }

  current(): KeySet | Promise<KeySet> {
    return this.usable ?? this.first();
  }

  async after(keys: KeySet, since: number): Promise<KeySet | undefined> {
    const { usable, held } = this;
    if (usable !== undefined && usable !== keys) return usable;
    if (held !== undefined && held.at.elapsed > since) return undefined;
    // While the server is away nothing says that there is no such key.
    if (this.isPausing && this.hasFailed) throw new KeysUnavailable();
    if (this.waiting >= MAX_WAITING) throw new KeysUnavailable();
    this.waiting += 1;
    await this.fetch();
    this.waiting -= 1;
    // Nothing is fetched any more once it is closed: to ask again would never end.
    if (this.hasFailed || this.end.signal.aborted) throw new KeysUnavailable();
    return this.usable;
  }

  close(): void {
    this.end.abort();
    this.cancel();
    this.wake();
    this.stopMeasuring();
  }

  private get age(): number {
    return this.held === undefined ? Number.NaN : sinceMark(this.options.clock, this.held.at);
  }

  private get usable(): KeySet | undefined {
    const { cache, maxStale } = this.options;
    return this.age <= cache + maxStale ? this.held?.keys : undefined;
  }

  /** Milliseconds until the next request may be made. */
  private get pause(): number {
    return this.lastRequest + this.options.refetch - this.options.clock.elapsed();
  }

  private get isPausing(): boolean {
    return this.request === undefined && this.pause > 0;
  }

  /** Waits for a request that is under way, but not through a pause: the server is away, and all clients would wait. */
  private async first(): Promise<KeySet> {
    if (!this.isPausing) await this.fetch();
    const { usable } = this;
    if (usable === undefined) throw new KeysUnavailable();
    return usable;
  }

  /** Never rejects. */
  private fetch(): Promise<void> {
    this.request ??= this.fetchInTime().finally(() => {
      this.request = undefined;
    });
    return this.request;
  }

  private async fetchInTime(): Promise<void> {
    const { clock } = this.options;
    if (this.pause > 0 && !this.end.signal.aborted) {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(this.pause, resolve);
        this.wake = () => {
          cancel();
          resolve();
        };
      });
    }
    if (this.end.signal.aborted) return;
    this.lastRequest = clock.elapsed();
    await this.fetchNow();
    this.cancel();
    const { cache, refetch } = this.options;
    if (!this.end.signal.aborted) this.cancel = clock.after(this.hasFailed ? refetch : cache, () => void this.fetch());
  }

  private async fetchNow(): Promise<void> {
    const { url, timeout, clock, algorithms } = this.options;
    const at = mark(clock);
    try {
      const text = await requestJwks({ url, timeout, clock, signal: this.end.signal });
      const keys = keysOfJwks(text, algorithms);
      this.held = { keys, at };
      this.succeeded(keys);
    } catch (error) {
      if (this.end.signal.aborted) return;
      this.hasFailed = true;
      this.warn(reasonOf(error));
    }
  }

  private succeeded(keys: KeySet): void {
    const { name, url, logger } = this.options;
    const facts = { auth: name, url: displayUrl(url), keys: keys.length };
    if (this.hasFailed) logger.info(facts, `auth.${name}: the key server ${facts.url} answers again`);
    else logger.debug(facts, `auth.${name}: ${keys.length} keys were fetched from ${facts.url}`);
    this.hasFailed = false;
  }

  private warn(reason: string): void {
    const { name, url, logger, cache, maxStale } = this.options;
    const isRefusing = this.usable === undefined;
    // Two subjects, so that it is said at once when the last keys have become too old.
    const failed = this.lines.count(isRefusing ? 'refusing' : 'away');
    if (failed === 0) return;
    const left = Math.max(0, cache + maxStale - this.age);
    const consequence = isRefusing
      ? 'clients with tokens are refused until it answers'
      : `the keys that are known stay in use for ${formatDuration(Math.ceil(left / 1_000) * 1_000)}`;
    const more = sinceLastLine(failed, 'requests failed');
    const shown = displayUrl(url);
    logger.warn(
      { auth: name, url: shown, failed },
      `auth.${name}: the key server ${shown} gives no keys: ${reason}; ${consequence}${more}`,
    );
  }
}
