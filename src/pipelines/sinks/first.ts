import { Subject } from 'rxjs';
import {
  asTidegateError,
  Batch,
  type ComponentContext,
  type Counter,
  defineSink,
  type InnerSink,
  type Message,
  type SettleTarget,
  type Sink,
  type TidegateError,
  z,
} from '../../sdk/index.ts';
import { entriesOf, InnerSinks } from './inner-sinks.ts';

/** `inner`: the schema of a sink. */
export const firstSink = (inner: z.ZodType<InnerSink>) =>
  defineSink({
    name: 'first',
    summary: 'The first of several sinks that takes a message: where one fails, the next one gets it.',
    description:
      'A sink that waits has not failed: a topic of a log that cannot be reached holds its messages until it is back, and a WebSocket server that is away does the same. What fails is a record that the log refuses, or a sink that has given up for good (`reconnect: { enabled: false }`); the latter is left out until the pipeline starts again.',
    config: z.array(inner).min(2, 'expected at least two sinks').max(100, 'expected at most 100 sinks'),
    failures: ['The last of the sinks fails, too.'],
    examples: [[{ topic: { name: 'orders' } }, { topic: { name: 'orders-refused' } }]],
    reaches: 'inner',
    copies: 'one',
    inner: entriesOf,
    create: (chosen, context) => new FirstSink(chosen, context),
  });

/** One message at one of the sinks. */
class Attempt implements SettleTarget {
  readonly message: Message;
  readonly at: number;
  private readonly owner: FirstSink;

  constructor(message: Message, at: number, owner: FirstSink) {
    this.message = message;
    this.at = at;
    this.owner = owner;
  }

  get sender() {
    return this.message.sender;
  }

  settled({ outcome }: Message, failure: TidegateError | null): void {
    this.owner.ended(this, outcome, failure);
  }
}

class FirstSink implements Sink {
  readonly failed$ = new Subject<TidegateError>();
  private readonly inner: InnerSinks;
  private readonly fallbacks: Counter;
  /** By sink: what it has and has not settled. */
  private readonly pending: readonly Set<Attempt>[];
  /** By sink: messages that the one in front of it has refused in this turn. */
  private readonly refused: readonly Message[][];
  /** Numbers of sinks that have given up. */
  private readonly broken = new Set<number>();
  private isFlushing = false;

  constructor(chosen: readonly InnerSink[], context: ComponentContext) {
    this.inner = new InnerSinks(chosen, context, (at) => `first[${at}]`);
    this.fallbacks = context.stats.counter('tidegate_sink_fallbacks_total', { place: context.path });
    this.pending = chosen.map(() => new Set<Attempt>());
    this.refused = chosen.map(() => []);
    this.inner.failed$.subscribe(({ at, failure }) => this.gaveUp(at, failure));
  }

  get idle(): boolean {
    return this.inner.idle;
  }

  get idle$() {
    return this.inner.idle$;
  }

  async open(): Promise<void> {
    this.broken.clear();
    // The pipeline has given up what was in flight before.
    for (const pending of this.pending) pending.clear();
    for (const messages of this.refused) messages.length = 0;
    await this.inner.open();
  }

  write(batch: Batch): void {
    // With none left the pipeline breaks, and gives up what is in flight.
    this.writeTo(this.usable(0) ?? this.inner.length - 1, batch.messages);
  }

  keyOf(message: Message) {
    return this.inner.keyOf(0, message);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  /** A sink has settled its copy of a message. */
  ended(attempt: Attempt, outcome: Message['outcome'], failure: TidegateError | null): void {
    const { message, at } = attempt;
    // It went on to the next one when this sink gave up.
    if (this.pending[at]?.delete(attempt) !== true) return;
    if (failure === null) message.ack(outcome);
    else this.refuse(message, at, failure);
  }

  private writeTo(at: number, messages: readonly Message[]): void {
    const pending = this.pending[at];
    const copies = messages.map((message) => {
      const attempt = new Attempt(message, at, this);
      pending?.add(attempt);
      return message.copyFor(attempt);
    });
    this.inner.write(at, new Batch(copies));
  }

  /** The first sink from there on that has not given up; undefined where all have. */
  private usable(from: number): number | undefined {
    for (let at = from; at < this.inner.length; at += 1) if (!this.broken.has(at)) return at;
    return undefined;
  }

  private refuse(message: Message, at: number, failure: TidegateError): void {
    const next = this.usable(at + 1);
    // A gateway that stops, or a pipeline that broke, tries nothing more.
    if (next === undefined || failure.code === 'TG_STOPPING' || message.isSettled) {
      message.nack(failure);
      return;
    }
    this.fallbacks.value += 1;
    this.refused[next]?.push(message);
    this.flushSoon();
  }

  /** What a sink refuses at a time goes on as one batch, in its order. */
  private flushSoon(): void {
    if (this.isFlushing) return;
    this.isFlushing = true;
    queueMicrotask(() => {
      this.isFlushing = false;
      for (const [at, messages] of this.refused.entries())
        if (messages.length > 0) this.tryToWrite(at, messages.splice(0));
    });
  }

  /** Outside of a write of the pipeline, which would notice what a sink throws. */
  private tryToWrite(at: number, messages: readonly Message[]): void {
    try {
      this.writeTo(at, messages);
    } catch (error) {
      this.failed$.next(asTidegateError(error, 'TG_FLOW_FAILED', 'a sink threw an error'));
    }
  }

  private gaveUp(at: number, failure: TidegateError): void {
    this.broken.add(at);
    if (this.broken.size === this.inner.length) {
      this.failed$.next(failure);
      return;
    }
    const left = [...(this.pending[at] ?? [])].map(({ message }) => message);
    this.pending[at]?.clear();
    // And what was to be written to it next, in this turn.
    left.push(...(this.refused[at]?.splice(0) ?? []));
    for (const message of left) this.refuse(message, at, failure);
  }
}
