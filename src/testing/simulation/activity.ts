import { awakeClock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import { pause } from '../../core/waiting.ts';

/** Turns of the event loop without any movement after which nothing is left to do. */
const IDLE_TURNS = 8;
/** Turns after which movement that does not end is a mistake of the configuration. */
const MAX_TURNS = 200_000;
/** Milliseconds, of real time, that work outside the event loop may take. */
const MAX_WORK = 10_000;
/** Milliseconds, and turns of the event loop, after which work with a time limit waits for that: it may never end. */
const MAX_LIMITED_WORK = 1_000;
const MAX_LIMITED_TURNS = 300;

/** Work that a component does outside the turns of the event loop, such as on a thread. */
export interface Work {
  end(): void;
}

export interface WorkOptions {
  /** Whether it waits for time to go on. */
  readonly waits: () => boolean;
  /** It is cut after some time of the clock. */
  readonly isLimited?: boolean;
}

/** Knows whether anything moves in a simulation. */
export class Activity {
  private moves = 0;
  private readonly working = new Set<WorkOptions>();

  /** Something was read, written, settled or sent. */
  readonly moved = (): void => {
    this.moves += 1;
  };

  /** Work has begun that has no turn of its own. */
  begins(options: WorkOptions): Work {
    const one = { ...options };
    this.working.add(one);
    return {
      end: () => {
        this.working.delete(one);
        this.moved();
      },
    };
  }

  /** Whether something has moved since the last call. */
  get count(): number {
    return this.moves;
  }

  /** Resolves when nothing is left to do without time going on. Rejects with TG_FLOW_FAILED where that never is. */
  async quiet(): Promise<void> {
    let idle = 0;
    for (let turns = 0; idle < IDLE_TURNS; turns += 1) {
      const before = this.moves;
      await turn();
      if (this.moves !== before) idle = 0;
      else if (this.isWorking) {
        idle = 0;
        await this.workEnds();
      } else idle += 1;
      if (turns > MAX_TURNS)
        throw new TidegateError(
          'TG_FLOW_FAILED',
          'the simulation never comes to rest: do pipelines feed each other without an end?',
        );
    }
  }

  private get isWorking(): boolean {
    for (const { waits } of this.working) if (!waits()) return true;
    return false;
  }

  private async workEnds(): Promise<void> {
    const { moves } = this;
    const begun = awakeClock.elapsed();
    for (let turns = 1; this.moves === moves && this.isWorking; turns += 1) {
      await pause(awakeClock, 0);
      const waited = awakeClock.elapsed() - begun;
      if (waited >= MAX_LIMITED_WORK && turns >= MAX_LIMITED_TURNS) this.leaveLimited();
      if (waited < MAX_WORK) continue;
      throw new TidegateError(
        'TG_FLOW_FAILED',
        `a processor has not ended after ${MAX_WORK / 1_000} s; mock it by its label, or set a timeout beside it`,
      );
    }
  }

  /** Work that is cut by the clock is waited for no longer. */
  private leaveLimited(): void {
    for (const one of this.working) if (one.isLimited === true) this.working.delete(one);
  }
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
