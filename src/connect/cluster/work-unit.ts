import type { Unit } from '../../actors/running-set.ts';
import type { TargetState } from './config-records.ts';
import type { Runner } from './runner.ts';
import type { RunState } from './status-table.ts';

/** State in which something runs here; a stopped connector has nothing that runs. */
export type DesiredState = Exclude<TargetState, 'STOPPED'>;

export interface WorkUnitOptions {
  /** The partition of the work topic that it belongs to. */
  readonly partition: number;
  /** The claim under which it reports. */
  readonly epoch: number | undefined;
  /** Whether the connector or the task does not exist any more, and has no status then. */
  readonly isDeleted: () => boolean;
  /** `halted`: nothing of it is left. */
  readonly createRunner: (halted: () => void) => Runner;
}

/** A connector or a task on this gateway. */
export class WorkUnit implements Unit {
  readonly partition: number;
  readonly isDeleted: () => boolean;
  private readonly runner: Runner;
  private readonly halted: Promise<void>;
  private epoch: number | undefined;
  private state: DesiredState | undefined;
  private isKilled = false;

  constructor({ partition, epoch, isDeleted, createRunner }: WorkUnitOptions) {
    let halt: () => void = () => {};
    this.halted = new Promise((resolve) => {
      halt = resolve;
    });
    this.partition = partition;
    this.isDeleted = isDeleted;
    this.epoch = epoch;
    this.runner = createRunner(halt);
  }

  get name(): string {
    return this.runner.name;
  }

  get runState(): RunState | undefined {
    return this.runner.state;
  }

  /** Whether it was closed before it had finished. */
  get isDropped(): boolean {
    return this.isKilled;
  }

  /** Starts or pauses it, where that is not what it was asked for last. */
  apply(state: DesiredState): void {
    if (state === this.state) return;
    this.state = state;
    if (state === 'RUNNING') this.runner.start();
    else this.runner.pause();
  }

  /** Readers ignore what was reported under an older claim. */
  reportUnder(epoch: number): void {
    if (this.epoch === epoch) return;
    this.epoch = epoch;
    this.runner.reportAgain();
  }

  reportAgain(): void {
    this.runner.reportAgain();
  }

  restart(): void {
    this.runner.restart();
  }

  drained(): Promise<void> {
    this.runner.halt();
    return this.halted;
  }

  close(): Promise<void> {
    this.isKilled = true;
    this.runner.kill();
    return this.halted;
  }
}
