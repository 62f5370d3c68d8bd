import { createActor } from 'xstate';
import { startActor, tell } from '../../actors/lifecycle.ts';
import type { Clock } from '../../core/clock.ts';
import { asTidegateError, type TidegateError } from '../../core/errors.ts';
import { isWithin } from '../../core/waiting.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type RunnerActor, type RunnerControl, runnerMachine } from './machine.ts';
import type { RunState } from './status-table.ts';

/** Something that a runner has started. */
export interface Run {
  /** Finishes what was read, then releases everything. Never rejects. */
  end(): Promise<void>;
  /** Drops what was read and releases everything. Never rejects. */
  drop(): Promise<void>;
}

/** Gets the status of a run. Calls after its end are ignored. */
export interface RunObserver {
  /** Why it makes no progress at the moment; undefined: it works again. */
  onStatus(problem: string | undefined): void;
  failed(failure: TidegateError): void;
}

export interface RunnerOptions {
  /** `connector x` or `task x-0`, for logs. */
  readonly name: string;
  /** Starts a run. Rejects if it cannot, which is a failure, and soon after `signal` aborts. */
  readonly begin: (observer: RunObserver, signal: AbortSignal) => Promise<Run>;
  readonly reports: (state: RunState, trace: string | undefined) => void;
  /** Nothing of it is left. */
  readonly halted: () => void;
  /** Longest time for finishing what was read, in milliseconds; the rest is dropped. */
  readonly drainTimeout: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Runs a connector or a task, and reports its state when it changes. */
export class Runner implements RunnerControl {
  private readonly options: RunnerOptions;
  private readonly actor: RunnerActor;
  private run: Promise<Run | undefined> = Promise.resolve(undefined);
  /** Counts the runs; calls of an earlier one are ignored. */
  private number = 0;
  private beginning = new AbortController();
  private problem: string | undefined;
  private reported: string | undefined;

  constructor(options: RunnerOptions) {
    const { name, logger } = options;
    this.options = options;
    this.actor = startActor(createActor(runnerMachine, { input: { control: this } }), name, logger);
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

  /** Reports its state once more, because what was reported does not count any more. */
  reportAgain(): void {
    this.reported = undefined;
    this.report();
  }

  get state(): RunState | undefined {
    const snapshot = this.actor.getSnapshot();
    if (snapshot.matches('running')) return snapshot.matches({ running: 'stuck' }) ? 'RESTARTING' : 'RUNNING';
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

  // --- called by the machine

  begin(): void {
    this.number += 1;
    this.problem = undefined;
    const { number } = this;
    const isCurrent = () => number === this.number;
    const observer: RunObserver = {
      onStatus: (problem) => {
        if (isCurrent()) this.onStatus(problem);
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
    const { clock, drainTimeout } = this.options;
    const run = await this.run;
    if (run === undefined) return;
    if (!(await isWithin(clock, drainTimeout, run.end()))) await run.drop();
    this.run = Promise.resolve(undefined);
  }

  private onStatus(problem: string | undefined): void {
    this.problem = problem;
    tell(this.actor, { type: problem === undefined ? 'RECOVERED' : 'STUCK' });
    this.report();
  }

  private fail(failure: TidegateError): void {
    const { name, logger } = this.options;
    this.problem = `${failure.code}: ${failure.message}`;
    logger.error({ code: failure.code }, `${name} has FAILED: ${failure.message}`);
    tell(this.actor, { type: 'FAILED' });
  }

  private report(): void {
    const { state } = this;
    if (state === undefined) return;
    const trace = state === 'FAILED' || state === 'RESTARTING' ? this.problem : undefined;
    const report = `${state} ${trace}`;
    if (report === this.reported) return;
    this.reported = report;
    this.options.reports(state, trace);
  }
}
