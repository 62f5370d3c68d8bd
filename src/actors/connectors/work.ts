import { Subject } from 'rxjs';
import type { ConnectorDescription, Examined, FlatConfig } from '../../config/connect/index.ts';
import { refusalOf } from '../../config/connect/index.ts';
import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { OwnStats } from '../../telemetry/own-stats.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { RestartRecord, TargetState } from './config-records.ts';
import type { ConnectorEntry } from './config-table.ts';
import type { Ownership } from './ownership.ts';
import { type Run, Runner, type RunObserver } from './runner.ts';
import { connectorStatusKey, type RunState, taskStatusKey } from './status-table.ts';
import type { ConnectStore } from './store.ts';
import { type TaskOrder, taskOrder } from './task-order.ts';
import { partitionOfConnector, partitionOfTask } from './topics.ts';

export interface WorkOptions {
  readonly store: ConnectStore;
  readonly ownership: () => Ownership;
  readonly examine: (config: FlatConfig) => Examined | undefined;
  /** Begins a task; rejects where it cannot be begun. */
  readonly run: (order: TaskOrder) => Promise<Run>;
  /** Name of this gateway in statuses, `host:port`, and the version of its software. */
  readonly workerId: () => string;
  readonly version: string;
  /** Milliseconds. */
  readonly sessionTimeout: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
}

/** Something that has to run here. */
interface Wanted {
  readonly partition: number;
  readonly version: number;
  readonly state: Exclude<TargetState, 'STOPPED'>;
  readonly make: (key: string) => Runner;
}

interface Running {
  readonly runner: Runner;
  readonly partition: number;
  readonly version: number;
  /** The claim under which it reports. */
  epoch: number | undefined;
  state: TargetState | undefined;
  isHalting: boolean;
  isKilled: boolean;
}

/** Runs what is to run on this gateway, by what the cluster has decided, and lets go of the rest. */
export class Work {
  private readonly options: WorkOptions;
  private readonly runners = new Map<string, Running>();
  private readonly examined = new WeakMap<FlatConfig, Examined | undefined>();
  /** Connectors that were reported as stopped, with the claim under which they were. */
  private readonly stopped = new Map<string, number | undefined>();
  private readonly leaseMoved = new Subject<void>();
  private next: NodeJS.Immediate | undefined;
  private isStopping = false;
  private whenIdle: () => void = () => {};

  constructor(options: WorkOptions) {
    this.options = options;
  }

  /** Connectors and tasks that run here, by state. */
  count(state: RunState): number {
    return [...this.runners.values()].filter(({ runner }) => runner.state === state).length;
  }

  /** What is known about the settings of a connector. */
  private lookAt(config: FlatConfig): Examined | undefined {
    if (this.examined.has(config)) return this.examined.get(config);
    const examined = this.options.examine(config);
    this.examined.set(config, examined);
    return examined;
  }

  /** The tasks of a connector; undefined where it has none. */
  dealt({ dealt }: ConnectorEntry): ConnectorDescription | undefined {
    return dealt === undefined ? undefined : this.lookAt(dealt.config)?.description;
  }

  /** Something has changed; what comes in one turn is looked at once. */
  changed(): void {
    this.leaseMoved.next();
    this.next ??= setImmediate(() => {
      this.next = undefined;
      this.reconcile();
    });
  }

  /** What was reported is lost. */
  reportAgain(): void {
    this.stopped.clear();
    for (const { runner } of this.runners.values()) runner.reportAgain();
    this.changed();
  }

  forget(name: string): void {
    this.stopped.delete(name);
  }

  restart({ name, connector, tasks }: RestartRecord): void {
    if (connector) this.runners.get(connectorStatusKey(name))?.runner.restart();
    for (const task of tasks) this.runners.get(taskStatusKey(name, task))?.runner.restart();
  }

  /** Finishes everything; resolves when nothing runs any more. */
  stop(): Promise<void> {
    this.isStopping = true;
    const idle = new Promise<void>((resolve) => {
      this.whenIdle = resolve;
    });
    this.changed();
    return idle;
  }

  /** Drops what is left. */
  drop(): void {
    this.isStopping = true;
    clearImmediate(this.next);
    for (const { runner } of this.runners.values()) runner.kill();
    this.runners.clear();
    this.whenIdle();
  }

  private reconcile(): void {
    const ownership = this.options.ownership();
    const wanted = this.isStopping ? new Map<string, Wanted>() : this.wanted(ownership);
    for (const [key, running] of this.runners) {
      const order = wanted.get(key);
      const epoch = ownership.epochOf(running.partition);
      if (epoch === undefined) this.kill(key, running);
      else this.underClaim(running, epoch);
      if (epoch === undefined || running.isKilled) continue;
      if (order === undefined || order.version !== running.version) this.halt(running);
      else if (order.state !== running.state && !running.isHalting) this.tell(running, order.state);
    }
    for (const [key, order] of wanted) if (!this.runners.has(key)) this.add(key, order);
    this.letGo(ownership);
    if (this.isStopping && this.runners.size === 0) this.whenIdle();
  }

  private wanted(ownership: Ownership): Map<string, Wanted> {
    const wanted = new Map<string, Wanted>();
    for (const entry of this.options.store.configs.connectors.values()) {
      const { name, state, version, dealt } = entry;
      const isOurs = ownership.isOurs(partitionOfConnector(name));
      if (state === 'STOPPED') {
        if (isOurs) this.reportStopped(name);
        continue;
      }
      this.stopped.delete(name);
      const partition = partitionOfConnector(name);
      if (isOurs)
        wanted.set(connectorStatusKey(name), { partition, version, state, make: (key) => this.connector(key, entry) });
      const description = this.dealt(entry);
      for (const task of description?.tasks.keys() ?? []) {
        const place = partitionOfTask(name, task);
        if (dealt === undefined || description === undefined || !ownership.isOurs(place)) continue;
        const make = (key: string) => this.task(key, description, task);
        wanted.set(taskStatusKey(name, task), { partition: place, version: dealt.version, state, make });
      }
    }
    return wanted;
  }

  private add(key: string, { make, partition, version, state }: Wanted): void {
    const epoch = this.options.ownership().epochOf(partition);
    const fresh = { state: undefined, isHalting: false, isKilled: false };
    const running: Running = { runner: make(key), partition, version, epoch, ...fresh };
    this.runners.set(key, running);
    this.tell(running, state);
  }

  private tell(running: Running, state: Exclude<TargetState, 'STOPPED'>): void {
    running.state = state;
    if (state === 'RUNNING') running.runner.start();
    else running.runner.pause();
  }

  private halt(running: Running): void {
    if (running.isHalting) return;
    running.isHalting = true;
    running.runner.halt();
  }

  /** It is another gateway's by now, and its status too. It counts as running until its socket is gone. */
  private kill(key: string, running: Running): void {
    if (running.isKilled) return;
    running.isKilled = true;
    this.options.logger.warn({ component: key }, `${running.runner.name} is dropped here: another gateway has it now`);
    running.runner.kill();
  }

  /** What was said under an older claim counts no more. */
  private underClaim(running: Running, epoch: number): void {
    if (running.epoch === epoch) return;
    running.epoch = epoch;
    running.runner.reportAgain();
  }

  private letGo(ownership: Ownership): void {
    const busy = new Set([...this.runners.values()].map(({ partition }) => partition));
    ownership.letGo(ownership.leaving.filter((partition) => !busy.has(partition)));
  }

  // --- what runs

  /** A connector itself does nothing but stand for its tasks; it fails where its settings cannot be run. */
  private connector(key: string, entry: ConnectorEntry): Runner {
    const { name } = entry;
    const nothing: Run = { end: async () => {}, drop: async () => {} };
    const isGone = () => !this.options.store.configs.connectors.has(name);
    return this.runner(key, `the connector ${name}`, partitionOfConnector(name), isGone, async () => {
      const examined = this.lookAt(entry.config);
      if (examined !== undefined && examined.unknown.length > 0)
        this.options.logger.warn(
          { connector: name, settings: examined.unknown },
          `the connector ${name} has settings that nobody knows: ${examined.unknown.join(', ')}; they are kept and mean nothing`,
        );
      if (examined?.description !== undefined) return nothing;
      const why = examined === undefined ? `there is no class ${entry.config['connector.class']}` : refusalOf(examined);
      throw new TidegateError('TG_CONFIG_INVALID', why ?? 'its settings cannot be run');
    });
  }

  private task(key: string, description: ConnectorDescription, task: number): Runner {
    const { name } = description;
    const { store, ownership, clock } = this.options;
    const stats = new OwnStats(this.options.stats);
    const order = taskOrder(description, task, { store, ownership, clock, stats, leaseMoved$: this.leaseMoved });
    const isGone = () => task >= this.taskCount(name);
    const begin = (observer: RunObserver, signal: AbortSignal) => this.options.run({ ...order, observer, signal });
    const partition = partitionOfTask(name, task);
    return this.runner(key, `the task ${name}-${task}`, partition, isGone, begin, () => stats.end());
  }

  /** `isGone`: whether there is no such thing any more, and so no status of it. */
  private runner(
    key: string,
    name: string,
    partition: number,
    isGone: () => boolean,
    begin: (observer: RunObserver, signal: AbortSignal) => Promise<Run>,
    ended: () => void = () => {},
  ): Runner {
    const { store, clock, logger, sessionTimeout } = this.options;
    return new Runner({
      ...{ name, begin, clock, logger },
      // Whoever comes next waits for a session at most, and the socket takes its time to close.
      patience: sessionTimeout / 3,
      reports: (state, trace) => this.report(key, partition, state, trace),
      halted: () => {
        ended();
        if (!this.runners.delete(key)) return;
        if (this.options.ownership().epochOf(partition) === undefined) return this.changed();
        if (isGone()) store.putStatus(key, null);
        else if (this.isStopping || !this.options.ownership().isOurs(partition))
          this.report(key, partition, 'UNASSIGNED', undefined);
        this.changed();
      },
    });
  }

  private taskCount(name: string): number {
    const entry = this.options.store.configs.connectors.get(name);
    return entry === undefined ? 0 : (this.dealt(entry)?.tasks.length ?? 0);
  }

  /** A stopped connector has no tasks, and nothing runs that could report of it. */
  private reportStopped(name: string): void {
    const key = connectorStatusKey(name);
    const partition = partitionOfConnector(name);
    const epoch = this.options.ownership().epochOf(partition);
    if (this.runners.has(key) || this.stopped.get(name) === epoch) return;
    this.stopped.set(name, epoch);
    this.report(key, partition, 'STOPPED', undefined);
  }

  private report(key: string, partition: number, state: RunState, trace: string | undefined): void {
    const { store, ownership, workerId, version } = this.options;
    const generation = ownership().epochOf(partition);
    if (generation === undefined) return;
    store.putStatus(key, {
      state,
      worker_id: workerId(),
      version,
      ...(trace === undefined ? {} : { trace }),
      generation,
    });
  }
}
