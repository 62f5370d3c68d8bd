import type { Clock } from '../../core/clock.ts';
import { keyOfValue } from '../resume/sent-values.ts';
import type { SequenceSettings } from '../settings/sequence-settings.ts';

/** Milliseconds: what arrives until then was sent before the server knew of the new subscription. */
const PAUSE = 10_000;

/** The messages that subscribe to one sequence again, not more often than a server needs to act on them. */
export class Resubscriptions {
  private readonly settings: Pick<SequenceSettings, 'resubscribe' | 'window'>;
  private readonly clock: Clock;
  /** By what they belong to: when it was last done, by `Clock.elapsed`. The earliest is the first. */
  private readonly doneAt = new Map<string, number>();

  constructor(settings: Pick<SequenceSettings, 'resubscribe' | 'window'>, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
  }

  /** What is to be sent because of a gap in the sequence of `by`. */
  for(by: string): NonNullable<SequenceSettings['resubscribe']> {
    const { resubscribe } = this.settings;
    if (resubscribe === undefined) return [];
    const now = this.clock.elapsed();
    this.forgetUntil(now - PAUSE);
    const key = keyOfValue(by);
    if (this.doneAt.has(key) || this.doneAt.size >= this.settings.window) return [];
    this.doneAt.set(key, now);
    return resubscribe;
  }

  private forgetUntil(time: number): void {
    for (const [key, at] of this.doneAt) {
      if (at > time) return;
      this.doneAt.delete(key);
    }
  }
}
