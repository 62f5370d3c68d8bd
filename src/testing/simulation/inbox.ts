import { merge, type Observable, Subject, tap } from 'rxjs';
import { Batch } from '../../core/batch.ts';
import type { Source } from '../../core/component.ts';
import type { Message } from '../../core/message.ts';
import type { Activity } from './activity.ts';
import type { FedMessage } from './messages.ts';

/** What a test puts into one source that does not read topics, kept until the source takes it. */
export class Inbox {
  private readonly waiting: Message[][] = [];
  private reader: (() => void) | undefined;

  put(messages: Message[]): void {
    this.waiting.push(messages);
    this.reader?.();
  }

  take(): Message[] | undefined {
    return this.waiting.shift();
  }

  /** Calls `reader` whenever something comes, in place of the reader before. */
  readBy(reader: () => void): void {
    this.reader = reader;
  }
}

/** A source that gives out what a test puts in, beside what another source reads, where there is one. */
export class InboxSource implements Source {
  readonly batches$: Observable<Batch>;
  private readonly fed = new Subject<Batch>();
  private readonly inbox: Inbox;
  private readonly inner: Source | undefined;
  private isHeld = true;

  constructor(inbox: Inbox, activity: Activity, inner?: Source) {
    this.inbox = inbox;
    this.inner = inner;
    this.batches$ = merge(this.fed, ...(inner === undefined ? [] : [inner.batches$])).pipe(tap(activity.moved));
  }

  async open(): Promise<void> {
    await this.inner?.open();
    this.inbox.readBy(() => this.giveOut());
    this.isHeld = false;
    setImmediate(() => this.giveOut());
  }

  pause(): void {
    this.isHeld = true;
    this.inner?.pause();
  }

  resume(): void {
    this.isHeld = false;
    this.inner?.resume();
    this.giveOut();
  }

  async close(): Promise<void> {
    this.isHeld = true;
    await this.inner?.close();
  }

  private giveOut(): void {
    if (!this.fed.observed) return;
    while (!this.isHeld) {
      const messages = this.inbox.take();
      if (messages === undefined) return;
      this.fed.next(new Batch(messages));
    }
  }
}

/** Which records of topics a test put there for a pipeline. */
export class FedRecords {
  private readonly fed = new Map<string, FedMessage>();

  add(message: Message, fed: FedMessage): void {
    this.fed.set(placeOf(message), fed);
  }

  find(message: Message): FedMessage | undefined {
    return this.fed.get(placeOf(message));
  }
}

function placeOf({ topic, partition, offset }: Message): string {
  return `${topic}/${partition}/${offset}`;
}

/** The same source, whose records that a test has stored tell what becomes of them. */
export function observed(source: Source, records: FedRecords, activity: Activity, isOver: () => boolean): Source {
  const { drain, settled, keepState } = source;
  return {
    batches$: source.batches$.pipe(
      tap(({ messages }) => {
        activity.moved();
        for (const message of messages) {
          if (message.isReplayed) continue;
          const fed = records.find(message);
          message.whenSettled((failure, _, outcome) => {
            activity.moved();
            if (!isOver()) fed?.settled(failure, outcome);
          });
        }
      }),
    ),
    open: () => source.open(),
    pause: () => source.pause(),
    resume: () => source.resume(),
    close: () => source.close(),
    ...(drain === undefined ? {} : { drain: () => source.drain?.() }),
    ...(settled === undefined ? {} : { settled: (message) => source.settled?.(message) }),
    ...(keepState === undefined ? {} : { keepState: (state) => keepState.call(source, state) }),
  };
}
