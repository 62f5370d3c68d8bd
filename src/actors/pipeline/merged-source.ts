import { defer, finalize, merge, type Observable, tap } from 'rxjs';
import type { Batch } from '../../core/batch.ts';
import type { Source } from '../../core/component.ts';
import { CreditGate, type GateLimits } from '../../core/credit-gate.ts';
import type { Message } from '../../core/message.ts';
import type { SourceMetrics } from './metrics.ts';

export interface ListedSource {
  readonly source: Source;
  readonly metrics: SourceMetrics;
}

/** One of the sources, with what is in flight of it. */
interface Part extends ListedSource {
  readonly gate: CreditGate;
}

/**
 * Several sources as one. Each has an equal share of what may be in flight and is paused when it has used that up, so
 * that a fast source cannot keep the others out. The order of each source is kept; between them there is none.
 */
export class MergedSource implements Source {
  readonly batches$: Observable<Batch>;
  private readonly parts: readonly Part[];
  /** The pipeline asks all of them to hold. */
  private isPaused = false;
  /** Those that end do not begin again because their messages are settled. */
  private isEnding = false;
  /** Whether batches are taken: a pipeline that broke nacks what is in flight, and takes no more. */
  private isRead = false;

  constructor(sources: readonly ListedSource[], limits: GateLimits) {
    const share = { messages: shareOf(limits.messages, sources), bytes: shareOf(limits.bytes, sources) };
    this.parts = sources.map((listed) => ({
      ...listed,
      gate: new CreditGate(share, (open) => this.changed(listed, open)),
    }));
    for (const { gate, metrics } of this.parts) metrics.watch(gate);
    const merged$ = merge(
      ...this.parts.map((part, origin) => part.source.batches$.pipe(tap((batch) => took(batch, part, origin)))),
    );
    this.batches$ = defer(() => {
      this.isRead = true;
      return merged$.pipe(
        finalize(() => {
          this.isRead = false;
        }),
      );
    });
  }

  async open(): Promise<void> {
    this.isPaused = false;
    this.isEnding = false;
    await Promise.all(this.parts.map(({ source }) => source.open()));
  }

  pause(): void {
    this.isPaused = true;
    for (const { source } of this.parts) source.pause();
  }

  resume(): void {
    this.isPaused = false;
    for (const { source, gate } of this.parts) if (gate.isOpen) source.resume();
  }

  drain(): Promise<void> | undefined {
    this.isEnding = true;
    const late = this.parts.map(({ source }) => (source.drain === undefined ? source.pause() : source.drain()));
    if (!late.some((each) => each instanceof Promise)) return undefined;
    return Promise.all(late).then(() => {});
  }

  settled(message: Message): void {
    this.parts[message.origin]?.gate.give(1, message.cost);
  }

  /** Closes all of them. Rejects with the first error of one. */
  async close(): Promise<void> {
    this.isEnding = true;
    const ends = await Promise.allSettled(this.parts.map(async ({ source }) => source.close()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  private changed({ source }: ListedSource, isOpen: boolean): void {
    if (!isOpen) source.pause();
    else if (this.isRead && !this.isPaused && !this.isEnding) source.resume();
  }
}

/** Before the pipeline admits them: it settles no message before that. */
function took({ messages }: Batch, { gate, metrics }: Part, origin: number): void {
  let bytes = 0;
  for (const message of messages) {
    message.origin = origin;
    if (message.cost === 0) message.cost = message.size;
    bytes += message.cost;
  }
  metrics.received.value += messages.length;
  gate.take(messages.length, bytes);
}

function shareOf(limit: number, sources: readonly unknown[]): number {
  return Math.max(2, Math.floor(limit / sources.length));
}
