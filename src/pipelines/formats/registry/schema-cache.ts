import type { Clock } from '../../../core/clock.ts';
import { asTidegateError, type TidegateError } from '../../../core/errors.ts';

/** How long the registry is not asked again for what it did not have. */
const FAILURE_AGE = 10_000;

type Kept<T> = { readonly value: T } | { readonly failure: TidegateError; readonly until: number };

/** What was made of schemas, by their ids. What was used longest ago goes first where there are too many. */
export class SchemaCache<T> {
  private readonly kept = new Map<number, Kept<T>>();
  private readonly max: number;
  private readonly clock: Clock;

  constructor(max: number, clock: Clock) {
    this.max = max;
    this.clock = clock;
  }

  /** At once where it is kept. Failures are kept for ten seconds, unless they may pass by themselves. */
  get(id: number, load: () => Promise<T>): T | Promise<T> {
    const known = this.kept.get(id);
    if (known === undefined || ('until' in known && known.until <= this.clock.elapsed())) return this.load(id, load);
    if (this.kept.size === this.max) {
      this.kept.delete(id);
      this.kept.set(id, known);
    }
    if ('failure' in known) throw known.failure;
    return known.value;
  }

  private async load(id: number, load: () => Promise<T>): Promise<T> {
    try {
      const value = await load();
      this.keep(id, { value });
      return value;
    } catch (error) {
      const failure = asTidegateError(error, 'TG_PROCESSOR_FAILED');
      if (!failure.retryable) this.keep(id, { failure, until: this.clock.elapsed() + FAILURE_AGE });
      throw failure;
    }
  }

  private keep(id: number, kept: Kept<T>): void {
    this.kept.delete(id);
    const [oldest] = this.kept.keys();
    if (this.kept.size >= this.max && oldest !== undefined) this.kept.delete(oldest);
    this.kept.set(id, kept);
  }
}
