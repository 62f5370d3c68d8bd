import { filter, map, merge, type Observable } from 'rxjs';
import {
  type Batch,
  type ComponentContext,
  type Counter,
  type InnerSink,
  type InnerValue,
  makeInnerSink,
  type Sink,
  type TidegateError,
} from '../../sdk/index.ts';

/** The sinks that another one hands its messages to: opened, watched and closed together, and counted one by one. */
export class InnerSinks {
  readonly idle$: Observable<void>;
  /** An inner sink that can take nothing any more, with its number. */
  readonly failed$: Observable<{ readonly at: number; readonly failure: TidegateError }>;
  private readonly sinks: readonly Sink[];
  private readonly written: readonly Counter[];

  /** `placeOf`: where each is in the settings of the outer one, such as `route[0].sink`. */
  constructor(chosen: readonly InnerSink[], context: ComponentContext, placeOf: (at: number) => string) {
    this.sinks = chosen.map((one, at) => makeInnerSink(one, context, placeOf(at)));
    this.written = chosen.map(({ spec }, at) =>
      context.stats.counter('tidegate_sink_written_total', { place: `${context.path}.${placeOf(at)}.${spec.name}` }),
    );
    this.idle$ = merge(...this.sinks.map(({ idle$ }) => idle$)).pipe(filter(() => this.idle));
    this.failed$ = merge(
      ...this.sinks.flatMap(({ failed$ }, at) => failed$?.pipe(map((failure) => ({ at, failure }))) ?? []),
    );
  }

  get length(): number {
    return this.sinks.length;
  }

  /** A batch that is written now may be for any of them. */
  get idle(): boolean {
    return this.sinks.every(({ idle }) => idle);
  }

  write(at: number, batch: Batch): void {
    (this.written[at] as Counter).value += batch.length;
    this.sinks[at]?.write(batch);
  }

  /** The key that a record of the message would have in that sink. */
  keyOf(at: number, message: Parameters<NonNullable<Sink['keyOf']>>[0]): ReturnType<NonNullable<Sink['keyOf']>> {
    return this.sinks[at]?.keyOf?.(message);
  }

  /** Rejects with the first error of one. */
  async open(): Promise<void> {
    for (const sink of this.sinks) await sink.open();
  }

  /** Closes all of them. Rejects with the first error of one. */
  async close(): Promise<void> {
    const ends = await Promise.allSettled(this.sinks.map(async (sink) => sink.close()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}

/** The entries of a list of sinks, as the settings have them. */
export function entriesOf(settings: unknown): readonly InnerValue[] {
  return Array.isArray(settings) ? settings.map((value: unknown, at) => ({ value, path: [at] })) : [];
}
