import { map, type Observable } from 'rxjs';
import type { Batch } from '../core/batch.ts';
import type { Message } from '../core/message.ts';
import type { Observe } from './step.ts';

/** Sees the messages at a place of a pipeline, which it neither changes nor settles. */
export interface Watcher {
  /** Never throws. */
  observe(messages: readonly Message[]): void;
  /** The pipeline is closed: nothing more comes. */
  ended(): void;
}

/** A place of a pipeline at which messages can be watched. */
export class TapPoint {
  readonly place: string;
  /** To be called with the messages that are there; undefined while there is no watcher. */
  observe: Observe | undefined;
  private readonly switched: (observe: Observe | undefined) => void;
  private readonly watchers = new Set<Watcher>();

  /** `switched` is called when the first watcher comes and when the last one goes. */
  constructor(place: string, switched: (observe: Observe | undefined) => void = () => {}) {
    this.place = place;
    this.switched = switched;
  }

  /** Returns what ends it. */
  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    this.update();
    return () => {
      this.watchers.delete(watcher);
      this.update();
    };
  }

  end(): void {
    for (const watcher of this.watchers) watcher.ended();
    this.watchers.clear();
    this.update();
  }

  private update(): void {
    const isWatched = this.watchers.size > 0;
    if (isWatched === (this.observe !== undefined)) return;
    this.observe = isWatched ? (messages) => this.show(messages) : undefined;
    this.switched(this.observe);
  }

  private show(messages: readonly Message[]): void {
    for (const watcher of this.watchers) watcher.observe(messages);
  }
}

/** A flow whose batches can be watched at that place. */
export function watched(batches$: Observable<Batch>, point: TapPoint | undefined): Observable<Batch> {
  if (point === undefined) return batches$;
  return batches$.pipe(
    map((batch) => {
      point.observe?.(batch.messages);
      return batch;
    }),
  );
}
