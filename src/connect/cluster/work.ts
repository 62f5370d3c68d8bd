import { Subject } from 'rxjs';
import { guarded } from '../../actors/lifecycle.ts';
import { type Desired, RunningSet } from '../../actors/running-set.ts';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { RestartRecord } from './config-records.ts';
import type { ConfigChange, ConnectorEntry } from './config-table.ts';
import type { ConnectorDescriptions } from './descriptions.ts';
import type { Ownership } from './ownership.ts';
import type { Run } from './runner.ts';
import { StatusReports } from './status-reports.ts';
import { connectorStatusKey, type RunState, taskStatusKey } from './status-table.ts';
import type { ConnectStore } from './store.ts';
import type { TaskContext } from './task-context.ts';
import { partitionOfConnector, partitionOfTask } from './topics.ts';
import { UnitFactory } from './unit-factory.ts';
import type { DesiredState, WorkUnit } from './work-unit.ts';

export interface WorkOptions {
  readonly store: ConnectStore;
  readonly ownership: Ownership;
  readonly descriptions: ConnectorDescriptions;
  /** Starts a task; rejects if it cannot be started. */
  readonly run: (task: TaskContext) => Promise<Run>;
  /** Name of this gateway in statuses, `host:port`, and the version of its software. */
  readonly workerId: () => string;
  readonly version: string;
  /** Milliseconds. */
  readonly sessionTimeout: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
}

/**
 * The connectors and tasks that run on this gateway: those that the topic of configs describes and whose partitions this
 * gateway has claimed. It compares the two whenever the store or the ownership changes.
 */
export class Work {
  private readonly options: WorkOptions;
  private readonly running: RunningSet<WorkUnit>;
  private readonly factory: UnitFactory;
  private readonly reports: StatusReports;
  private readonly leaseMoved = new Subject<void>();
  private next: NodeJS.Immediate | undefined;
  private isStopping = false;
  private isDropped = false;

  constructor(options: WorkOptions) {
    const { store, ownership } = options;
    this.options = options;
    this.reports = new StatusReports(options);
    this.factory = new UnitFactory({ ...options, reports: this.reports, leaseMoved$: this.leaseMoved });
    this.running = new RunningSet<WorkUnit>({
      desired: () => (this.isStopping ? new Map() : this.desired()),
      removed: (key, unit) => this.removed(key, unit),
    });
    store.changes$.subscribe(guarded((change) => this.follow(change), options.logger));
    store.statusesLost$.subscribe(guarded(() => this.reportAgain(), options.logger));
    ownership.changed$.subscribe(guarded(() => this.changed(), options.logger));
  }

  /** Connectors and tasks that run here, by state. */
  count(state: RunState): number {
    return [...this.running.units.values()].filter(({ runState }) => runState === state).length;
  }

  /** Finishes everything; resolves when nothing runs any more. */
  stop(): Promise<void> {
    this.isStopping = true;
    this.changed();
    return this.running.emptied();
  }

  /** Drops everything at once. */
  drop(): void {
    this.isStopping = true;
    this.isDropped = true;
    clearImmediate(this.next);
    void this.running.close();
  }

  private follow(change: ConfigChange): void {
    if (change.type === 'restart') this.restart(change.restart);
    if (change.type === 'deleted') this.reports.forgetStopped(change.name);
    this.changed();
  }

  private restart({ name, connector, tasks }: RestartRecord): void {
    const { units } = this.running;
    if (connector) units.get(connectorStatusKey(name))?.restart();
    for (const task of tasks) units.get(taskStatusKey(name, task))?.restart();
  }

  private reportAgain(): void {
    this.reports.forgetAll();
    for (const unit of this.running.units.values()) unit.reportAgain();
    this.changed();
  }

  /** All changes of one turn of the event loop are one comparison. */
  private changed(): void {
    this.leaseMoved.next();
    if (this.isDropped) return;
    this.next ??= setImmediate(() => {
      this.next = undefined;
      this.reconcile();
    });
  }

  private reconcile(): void {
    const { ownership } = this.options;
    for (const [key, unit] of this.running.units) {
      const epoch = ownership.epochOf(unit.partition);
      if (epoch === undefined) this.dropUnit(key, unit);
      else unit.reportUnder(epoch);
    }
    this.running.reconcile();
    const busy = new Set([...this.running.units.values()].map(({ partition }) => partition));
    ownership.letGo(ownership.leaving.filter((partition) => !busy.has(partition)));
  }

  private desired(): Map<string, Desired<WorkUnit>> {
    const desired = new Map<string, Desired<WorkUnit>>();
    for (const entry of this.options.store.configs.connectors.values()) {
      if (entry.state === 'STOPPED') this.reportStopped(entry);
      else this.addDesired(desired, entry, entry.state);
    }
    return desired;
  }

  private addDesired(desired: Map<string, Desired<WorkUnit>>, entry: ConnectorEntry, state: DesiredState): void {
    const { ownership, descriptions } = this.options;
    const { name, version, taskSettings } = entry;
    const apply = (unit: WorkUnit) => unit.apply(state);
    this.reports.forgetStopped(name);
    if (ownership.isOurs(partitionOfConnector(name)))
      desired.set(connectorStatusKey(name), { version, create: () => this.factory.connector(entry), apply });
    const description = descriptions.ofTasks(entry);
    if (description === undefined || taskSettings === undefined) return;
    const { config, version: taskVersion } = taskSettings;
    for (const task of description.tasks.keys()) {
      if (!ownership.isOurs(partitionOfTask(name, task))) continue;
      const create = () => this.factory.task(description, task, config);
      desired.set(taskStatusKey(name, task), { version: taskVersion, create, apply });
    }
  }

  /** As soon as the connector itself does not run any more. */
  private reportStopped({ name }: ConnectorEntry): void {
    const isOurs = this.options.ownership.isOurs(partitionOfConnector(name));
    if (isOurs && !this.running.units.has(connectorStatusKey(name))) this.reports.reportStopped(name);
  }

  /** Another gateway runs it by now, and writes its status. It counts as running until its socket is closed. */
  private dropUnit(key: string, unit: WorkUnit): void {
    if (unit.isDropped) return;
    this.options.logger.warn({ component: key }, `${unit.name} is dropped here: another gateway has it now`);
    this.running.drop(key);
  }

  private removed(key: string, { partition, isDeleted }: WorkUnit): void {
    const { ownership } = this.options;
    if (ownership.epochOf(partition) !== undefined) {
      if (isDeleted()) this.reports.remove(key);
      else if (this.isStopping || !ownership.isOurs(partition)) this.reports.report(key, partition, 'UNASSIGNED');
    }
    this.changed();
  }
}
