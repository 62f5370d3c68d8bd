import { awakeClock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import { pause } from '../../core/waiting.ts';

/** Turns of the event loop without any movement after which nothing is left to do. */
const IDLE_TURNS = 8;
/** Turns after which movement that does not end is a mistake of the configuration. */
const MAX_TURNS = 200_000;
/** Milliseconds, of real time, that work outside the event loop may take. */
const MAX_WORK = 10_000;

/** Work that a component does outside the turns of the event loop, such as on a thread. */
export interface Work {
  end(): void;
}

/** Knows whether anything moves in a simulation. */
export class Activity {
  private moves = 0;
  private readonly working = new Set<() => boolean>();

  /** Something was read, written, settled or sent. */
  readonly moved = (): void => {
    this.moves += 1;
  };

  /** Work has begun that has no turn of its own. `waits`: whether it waits for time to go on. */
  begins(waits: () => boolean): Work {
    const one = () => waits();
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
    for (const waits of this.working) if (!waits()) return true;
    return false;
  }

  private async workEnds(): Promise<void> {
    const { moves } = this;
    const begun = awakeClock.elapsed();
    while (this.moves === moves && this.isWorking) {
      await pause(awakeClock, 0);
      if (awakeClock.elapsed() - begun < MAX_WORK) continue;
      throw new TidegateError(
        'TG_FLOW_FAILED',
        `a processor has not ended after ${MAX_WORK / 1_000} s; mock it by its label`,
      );
    }
  }
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
