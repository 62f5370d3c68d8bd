import { Observable } from 'rxjs';
import type { Batch } from '../../../src/core/batch.ts';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import type { Log } from '../../../src/core/log.ts';

/**
 * What a gateway has of the world, that may freeze as by SIGSTOP: its clock calls back, and its log delivers, what
 * has come meanwhile once it thaws. Time itself goes on.
 */
export class Freezer implements Clock {
  isFrozen = false;
  /** Milliseconds by which it is ahead of the others. */
  skipped = 0;
  private readonly late: (() => void)[] = [];
  private readonly unread: (() => void)[] = [];

  now(): number {
    return systemClock.now() + this.skipped;
  }

  elapsed(): number {
    return systemClock.elapsed() + this.skipped;
  }

  after(milliseconds: number, callback: () => void): () => void {
    let isCancelled = false;
    const cancel = systemClock.after(milliseconds, () => {
      if (!this.isFrozen) callback();
      else this.late.push(() => isCancelled || callback());
    });
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  thaw(): void {
    this.isFrozen = false;
    for (const callback of this.late.splice(0)) callback();
    for (const deliver of this.unread.splice(0)) deliver();
  }

  log<L extends Pick<Log, 'reader'>>(log: L): L {
    const reader: Log['reader'] = (options) => {
      const inner = log.reader(options);
      const batches$ = new Observable<Batch>((subscriber) =>
        inner.batches$.subscribe({
          next: (batch) => {
            if (this.isFrozen) this.unread.push(() => subscriber.next(batch));
            else subscriber.next(batch);
          },
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }),
      );
      return {
        batches$,
        live: inner.live,
        gaps$: inner.gaps$,
        pause: () => inner.pause(),
        leave: (place) => inner.leave(place),
        resume: () => inner.resume(),
        positions: () => inner.positions(),
        checkpoint: () => inner.checkpoint(),
        close: () => inner.close(),
      };
    };
    return new Proxy(log, { get: (target, name) => (name === 'reader' ? reader : propertyOf(target, name)) });
  }
}

function propertyOf(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === 'function' ? value.bind(target) : value;
}
