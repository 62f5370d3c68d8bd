import { Observable, type Subscriber } from 'rxjs';
import { Batch } from '../core/batch.ts';
import { Fifo } from '../core/fifo.ts';
import type { Message } from '../core/message.ts';
import { chainOf, type ProcessingOptions } from './processing.ts';
import type { ProcessorStep } from './step.ts';

/**
 * What stays in order. `key`: messages of the same key, and those without one as for `origin`. `origin`: messages of the
 * same partition, client or WebSocket server.
 */
export type OrderBy = 'key' | 'origin';

/** How many messages the processor has now, those of a flow that broke among them. */
interface Slots {
  readonly limit: number;
  taken: number;
  /** A slot is free again. */
  freed: () => void;
}

/** A batch whose span ends with the last of its messages. */
interface Traced {
  left: number;
  readonly end: () => void;
}

interface Entry {
  readonly message: Message;
  readonly order: string;
  readonly traced: Traced;
  /** What became of it, while it waits for those in front of it. */
  results: readonly Message[] | undefined;
}

/**
 * A processor that is given several messages at a time. What it makes of them goes on as soon as all in front of it in its
 * order have gone on; other orders do not wait for each other.
 */
export class ConcurrentStage {
  private readonly step: ProcessorStep;
  private readonly orderBy: OrderBy;
  private readonly slots: Slots;

  constructor(step: ProcessorStep, limit: number, orderBy: OrderBy) {
    this.step = step;
    this.orderBy = orderBy;
    this.slots = { limit, taken: 0, freed: () => {} };
  }

  apply(batches$: Observable<Batch>, options: ProcessingOptions): Observable<Batch> {
    return new Observable((subscriber) => {
      const run = new ConcurrentRun(this.step, this.orderBy, this.slots, options, subscriber);
      const subscription = batches$.subscribe({
        next: (batch) => run.take(batch),
        error: (error: unknown) => subscriber.error(error),
        complete: () => run.complete(),
      });
      // Not a part of that subscription, which ends with its source: messages may still be waiting for their answers then.
      return () => {
        subscription.unsubscribe();
        run.close();
      };
    });
  }
}

/** One subscription to the flow. */
class ConcurrentRun {
  private readonly process: ReturnType<typeof chainOf>;
  private readonly orderBy: OrderBy;
  private readonly slots: Slots;
  private readonly trace: ProcessingOptions['trace'];
  private readonly subscriber: Subscriber<Batch>;
  private readonly incoming = new Fifo<Batch>();
  /** Messages that the processor has not been given. */
  private readonly waiting = new Fifo<Entry>();
  /** Messages that have not gone on, by their order. */
  private readonly lines = new Map<string, Fifo<Entry>>();
  private readonly traced = new Set<Traced>();
  private ready: Message[] = [];
  private isBusy = false;
  private isEnding = false;
  private isClosed = false;
  private scheduled: NodeJS.Immediate | undefined;

  constructor(
    step: ProcessorStep,
    orderBy: OrderBy,
    slots: Slots,
    options: ProcessingOptions,
    subscriber: Subscriber<Batch>,
  ) {
    this.process = chainOf([step], options);
    this.trace = options.trace;
    this.orderBy = orderBy;
    this.slots = slots;
    this.subscriber = subscriber;
    slots.freed = () => this.schedule();
  }

  take(batch: Batch): void {
    this.incoming.push(batch);
    this.work();
  }

  complete(): void {
    this.isEnding = true;
    this.work();
  }

  close(): void {
    this.isClosed = true;
    clearImmediate(this.scheduled);
    this.incoming.clear();
    this.waiting.clear();
    this.lines.clear();
    for (const { end } of this.traced) end();
    this.traced.clear();
  }

  /** What ends in one turn of the event loop goes on as one batch. */
  private schedule(): void {
    if (this.isClosed || this.scheduled !== undefined) return;
    this.scheduled = setImmediate(() => {
      this.scheduled = undefined;
      this.work();
    });
  }

  /** A message that settles may open the gate, and the next batch is then handed over within this call: it waits for its turn. */
  private work(): void {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      do {
        const batch = this.incoming.shift();
        this.startWaiting();
        if (batch !== undefined) this.enter(batch);
        this.handOn();
      } while (!this.isClosed && this.incoming.length > 0);
      if (this.isEnding && this.lines.size === 0) this.subscriber.complete();
    } catch (error) {
      this.subscriber.error(error);
    } finally {
      this.isBusy = false;
    }
  }

  private enter(batch: Batch): void {
    const traced = { left: batch.length, end: this.trace(batch) };
    this.traced.add(traced);
    for (const message of batch.messages) {
      const order = this.orderBy === 'key' ? keyOf(message) : originOf(message);
      const entry: Entry = { message, order, traced, results: undefined };
      const line = this.lines.get(order) ?? new Fifo();
      line.push(entry);
      this.lines.set(order, line);
      if (this.waiting.length > 0 || this.slots.taken >= this.slots.limit) this.waiting.push(entry);
      else this.start(entry);
    }
    if (batch.length === 0) this.ended(traced);
  }

  private startWaiting(): void {
    while (this.slots.taken < this.slots.limit) {
      const entry = this.waiting.shift();
      if (entry === undefined) return;
      this.start(entry);
    }
  }

  private start(entry: Entry): void {
    const processed = this.process([entry.message]);
    if (!(processed instanceof Promise)) {
      this.done(entry, processed);
      return;
    }
    this.slots.taken += 1;
    processed.then(
      (results) => {
        this.slots.taken -= 1;
        this.done(entry, results);
        this.slots.freed();
      },
      (error: unknown) => {
        this.slots.taken -= 1;
        this.subscriber.error(error);
      },
    );
  }

  private done(entry: Entry, results: readonly Message[]): void {
    entry.results = results;
    entry.traced.left -= 1;
    if (entry.traced.left === 0) this.ended(entry.traced);
    const line = this.lines.get(entry.order);
    while (line !== undefined) {
      const first = line.peek();
      if (first?.results === undefined) break;
      line.shift();
      // Nacked meanwhile: it is behind a record at which its pipeline stops.
      if (!first.message.isSettled) this.ready.push(...first.results);
    }
    if (line?.length === 0) this.lines.delete(entry.order);
  }

  private ended(traced: Traced): void {
    if (this.traced.delete(traced)) traced.end();
  }

  private handOn(): void {
    if (this.ready.length === 0 || this.isClosed) return;
    const batch = new Batch(this.ready);
    this.ready = [];
    this.subscriber.next(batch);
  }
}

function keyOf(message: Message): string {
  const { key } = message;
  if (key === null) return originOf(message);
  return `k${typeof key === 'string' ? key : key.toString('latin1')}`;
}

/** The key that the sink will give a frame is not known yet, so all frames of a client stay in order. */
function originOf(message: Message): string {
  if (message.topic !== undefined) return `p${message.topic}/${message.partition}`;
  const { sender, shownUrl } = message.source ?? message;
  return sender === undefined ? `u${shownUrl ?? ''}` : `c${sender.clientId}`;
}
