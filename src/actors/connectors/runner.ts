import { createActor } from 'xstate';
import type { Clock } from '../../core/clock.ts';
import { asTidegateError, type TidegateError } from '../../core/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { startActor, tell } from '../lifecycle.ts';
import { type RunnerActor, type RunnerControl, runnerMachine } from './machine.ts';
import type { RunState } from './status-table.ts';

/** Something that a runner has begun. */
export interface Run {
  /** Finishes what was read, then releases everything. Never rejects. */
  end(): Promise<void>;
  /** Drops what was read and releases everything. Never rejects. */
  drop(): Promise<void>;
}

/** How a run tells of itself. Nothing is heard after its end. */
export interface RunObserver {
  /** It gets nowhere at the moment, for this reason, or does again (undefined). */
  fares(trouble: string | undefined): void;
  failed(failure: TidegateError): void;
}

export interface RunnerOptions {
  /** `connector x` or `task x-0`, for logs. */
  readonly name: string;
  /** Begins to run. Rejects where it cannot, which is a failure, and soon after `signal` aborts. */
  readonly begin: (observer: RunObserver, signal: AbortSignal) => Promise<Run>;
  readonly reports: (state: RunState, trace: string | undefined) => void;
  /** Nothing of it is left. */
  readonly halted: () => void;
  /** Longest time for finishing what was read, in milliseconds; the rest is dropped. */
  readonly patience: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Runs a connector or a task as it is told, and reports its state whenever that is another one. */
export class Runner implements RunnerControl {
  private readonly options: RunnerOptions;
  private readonly actor: RunnerActor;
  private run: Promise<Run | undefined> = Promise.resolve(undefined);
  /** Counts the runs; what an earlier one still has to say is not heard. */
  private number = 0;
  private beginning = new AbortController();
  private trouble: string | undefined;
  private reported: string | undefined;

  constructor(options: RunnerOptions) {
    const { name, logger } = options;
    this.options = options;
    this.actor = startActor(createActor(runnerMachine, { input: { runner: this } }), name, logger);
    this.actor.subscribe({ next: () => this.report(), error: () => {} });
  }

  get name(): string {
    return this.options.name;
  }

  start(): void {
    tell(this.actor, { type: 'START' });
  }

  pause(): void {
    tell(this.actor, { type: 'PAUSE' });
  }

  restart(): void {
    tell(this.actor, { type: 'RESTART' });
  }

  halt(): void {
    tell(this.actor, { type: 'HALT' });
  }

  kill(): void {
    tell(this.actor, { type: 'KILL' });
  }

  /** Reports its state once more, as what was reported counts no more. */
  reportAgain(): void {
    this.reported = undefined;
    this.report();
  }

  get state(): RunState | undefined {
    const snapshot = this.actor.getSnapshot();
    if (snapshot.matches('running')) return snapshot.matches({ running: 'troubled' }) ? 'RESTARTING' : 'RUNNING';
    switch (snapshot.value) {
      case 'unassigned':
        return 'UNASSIGNED';
      case 'restarting':
        return 'RESTARTING';
      case 'pausing':
      case 'paused':
        return 'PAUSED';
      case 'failing':
      case 'failed':
        return 'FAILED';
      default:
        return undefined;
    }
  }

  // --- orders of the machine

  begin(): void {
    this.number += 1;
    this.trouble = undefined;
    const { number } = this;
    const isCurrent = () => number === this.number;
    const observer: RunObserver = {
      fares: (trouble) => {
        if (isCurrent()) this.fares(trouble);
      },
      failed: (failure) => {
        if (isCurrent()) this.fail(failure);
      },
    };
    this.beginning = new AbortController();
    this.run = this.options.begin(observer, this.beginning.signal).catch((error: unknown) => {
      if (isCurrent()) this.fail(asTidegateError(error, 'TG_FLOW_FAILED'));
      return undefined;
    });
  }

  end(): void {
    this.number += 1;
    this.beginning.abort();
    void this.finish().then(() => tell(this.actor, { type: 'ENDED' }));
  }

  drop(): void {
    this.number += 1;
    this.beginning.abort();
    void this.run.then((run) => run?.drop()).then(() => this.options.halted());
  }

  halted(): void {
    this.options.halted();
  }

  // --- within

  private async finish(): Promise<void> {
    const { clock, patience } = this.options;
    const run = await this.run;
    if (run === undefined) return;
    let cancel: () => void = () => {};
    const late = new Promise<boolean>((resolve) => {
      cancel = clock.after(patience, () => resolve(true));
    });
    const isLate = await Promise.race([run.end().then(() => false), late]);
    cancel();
    if (isLate) await run.drop();
    this.run = Promise.resolve(undefined);
  }

  private fares(trouble: string | undefined): void {
    this.trouble = trouble;
    tell(this.actor, { type: trouble === undefined ? 'RECOVERED' : 'TROUBLED' });
    this.report();
  }

  private fail(failure: TidegateError): void {
    const { name, logger } = this.options;
    this.trouble = `${failure.code}: ${failure.message}`;
    logger.error({ code: failure.code }, `${name} has FAILED: ${failure.message}`);
    tell(this.actor, { type: 'FAILED' });
  }

  private report(): void {
    const { state } = this;
    if (state === undefined) return;
    const trace = state === 'FAILED' || state === 'RESTARTING' ? this.trouble : undefined;
    const said = `${state} ${trace}`;
    if (said === this.reported) return;
    this.reported = said;
    this.options.reports(state, trace);
  }
}
