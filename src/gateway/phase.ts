import { BehaviorSubject, filter, map, type Observable, take } from 'rxjs';

/** What a gateway goes through: what may follow on each phase, and why it does. */
export const PHASES = {
  created: { starting: 'start', draining: 'stop' },
  starting: { running: 'every port is bound', draining: 'it cannot start' },
  running: { draining: 'stop' },
  draining: { forcing: 'the deadline is over', closing: 'drained' },
  // What is not in the log by now is answered as retryable and given up.
  forcing: { closing: 'drained' },
  closing: { stopped: 'closed' },
  stopped: {},
} as const;

export type Phase = keyof typeof PHASES;

/** The phase of a gateway. Whether it is ready is read from its parts, not kept twice. */
export class GatewayPhase {
  private readonly phase = new BehaviorSubject<Phase>('created');
  private isStopRequested = false;

  get value(): Phase {
    return this.phase.value;
  }

  /** A stop was requested, has begun, or is over. */
  get isStopping(): boolean {
    return this.isStopRequested || isStopping(this.value);
  }

  /** Emits once a stop has begun; at once where it has already. */
  get stopping$(): Observable<void> {
    return this.once(isStopping);
  }

  /** Emits once everything is closed; at once where it is already. */
  get stopped$(): Observable<void> {
    return this.once((phase) => phase === 'stopped');
  }

  /** The stop begins once the start has ended. */
  requestStop(): void {
    this.isStopRequested = true;
  }

  /** Throws where that phase may not follow: a gateway that has stopped does not start again, and nothing opens twice. */
  enter(next: Phase): void {
    if (!Object.hasOwn(PHASES[this.value], next)) throw new Error(`a gateway that is ${this.value} is never ${next}`);
    this.phase.next(next);
  }

  private once(isReached: (phase: Phase) => boolean): Observable<void> {
    return this.phase.pipe(
      filter(isReached),
      take(1),
      map(() => undefined),
    );
  }
}

function isStopping(phase: Phase): boolean {
  return phase === 'draining' || phase === 'forcing' || phase === 'closing' || phase === 'stopped';
}
