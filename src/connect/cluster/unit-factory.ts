import type { Observable } from 'rxjs';
import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { OwnStats } from '../../telemetry/own-stats.ts';
import type { Stats } from '../../telemetry/stats.ts';
import { type ConnectorDescription, type FlatConfig, refusalOf } from '../settings/index.ts';
import type { ConnectorEntry } from './config-table.ts';
import type { ConnectorDescriptions } from './descriptions.ts';
import type { Ownership } from './ownership.ts';
import { type Run, Runner, type RunObserver } from './runner.ts';
import type { StatusReports } from './status-reports.ts';
import { connectorStatusKey, taskStatusKey } from './status-table.ts';
import type { ConnectStore } from './store.ts';
import { type TaskContext, taskContext } from './task-context.ts';
import { partitionOfConnector, partitionOfTask } from './topics.ts';
import { WorkUnit } from './work-unit.ts';

export interface UnitFactoryOptions {
  readonly store: ConnectStore;
  readonly ownership: Ownership;
  readonly descriptions: ConnectorDescriptions;
  readonly reports: StatusReports;
  /** Starts a task; rejects if it cannot be started. */
  readonly run: (task: TaskContext) => Promise<Run>;
  /** Emits when leases may have changed. */
  readonly leaseMoved$: Observable<void>;
  /** Milliseconds. */
  readonly sessionTimeout: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
}

/** What a unit is called, where it belongs, and how it is started. */
interface UnitPlan {
  readonly key: string;
  readonly name: string;
  readonly partition: number;
  readonly isDeleted: () => boolean;
  readonly begin: (observer: RunObserver, signal: AbortSignal) => Promise<Run>;
  readonly ended?: () => void;
}

/** A connector itself runs nothing: its tasks do. */
const NOTHING: Run = { end: async () => {}, drop: async () => {} };

/** Creates what runs on this gateway: connectors and their tasks. */
export class UnitFactory {
  private readonly options: UnitFactoryOptions;

  constructor(options: UnitFactoryOptions) {
    this.options = options;
  }

  /** A connector fails if its settings cannot be run. */
  connector({ name, config }: ConnectorEntry): WorkUnit {
    const { store, descriptions, logger } = this.options;
    return this.unit({
      key: connectorStatusKey(name),
      name: `the connector ${name}`,
      partition: partitionOfConnector(name),
      isDeleted: () => !store.configs.connectors.has(name),
      begin: async () => {
        this.demandReadable(config);
        const examined = descriptions.examined(config);
        if (examined !== undefined && examined.unknown.length > 0)
          logger.warn(
            { connector: name, settings: examined.unknown },
            `the connector ${name} has unknown settings, which are ignored: ${examined.unknown.join(', ')}`,
          );
        if (examined?.description !== undefined) return NOTHING;
        const why = examined === undefined ? `there is no class ${config['connector.class']}` : refusalOf(examined);
        throw new TidegateError('TG_CONFIG_INVALID', why ?? 'its settings cannot be run');
      },
    });
  }

  /** `config`: the settings of the connector that its tasks have. */
  task(description: ConnectorDescription, task: number, config: FlatConfig): WorkUnit {
    const { name } = description;
    const { store, ownership, descriptions, clock, leaseMoved$, run } = this.options;
    const stats = new OwnStats(this.options.stats);
    const context = taskContext(description, task, { store, ownership, clock, stats, leaseMoved$ });
    return this.unit({
      key: taskStatusKey(name, task),
      name: `the task ${name}-${task}`,
      partition: partitionOfTask(name, task),
      isDeleted: () => task >= descriptions.taskCount(store.configs.connectors.get(name)),
      begin: async (observer, signal) => {
        this.demandReadable(config);
        return run({ ...context, observer, signal });
      },
      ended: () => stats.end(),
    });
  }

  /** Settings that cannot be decrypted here have placeholders in them. */
  private demandReadable(config: FlatConfig): void {
    const unreadable = this.options.store.configs.seal.unreadable(config);
    if (unreadable !== undefined) throw new TidegateError('TG_CONFIG_INVALID', unreadable);
  }

  private unit({ key, name, partition, isDeleted, begin, ended }: UnitPlan): WorkUnit {
    const { ownership, reports, clock, logger, sessionTimeout } = this.options;
    const createRunner = (halted: () => void) =>
      new Runner({
        ...{ name, begin, clock, logger },
        // The next owner waits for a session at most, and the socket takes its time to close.
        drainTimeout: sessionTimeout / 3,
        reports: (state, trace) => reports.report(key, partition, state, trace),
        halted: () => {
          ended?.();
          halted();
        },
      });
    return new WorkUnit({ partition, epoch: ownership.epochOf(partition), isDeleted, createRunner });
  }
}
