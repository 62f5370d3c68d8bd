import { quoteValue } from '../../core/quote.ts';
import { type FlatConfig, groupOfSink, masked, pluginOf } from '../settings/index.ts';
import type { ConnectorEntry } from './config-table.ts';
import type { Connectors } from './connectors.ts';
import type { SourceOffset } from './offset-table.ts';
import { ConnectRefusal } from './refusal.ts';
import { sinkOffsets } from './sink-offsets.ts';
import type { RunState, Status } from './status-table.ts';
import { partitionOfConnector, partitionOfTask } from './topics.ts';

/** Answers of Connect's API (org.apache.kafka.connect.runtime.rest.entities), field by field. */
export interface ConnectorInfo {
  readonly name: string;
  readonly config: FlatConfig;
  readonly tasks: readonly { readonly connector: string; readonly task: number }[];
  readonly type: 'source' | 'sink' | 'unknown';
}

export interface StateInfo {
  readonly state: RunState;
  readonly worker_id: string;
  readonly version: string;
  readonly trace?: string;
}

export interface StatusInfo {
  readonly name: string;
  readonly connector: StateInfo;
  readonly tasks: readonly (StateInfo & { readonly id: number })[];
  readonly type: ConnectorInfo['type'];
}

/** Answers about the connectors of the cluster, on any of its gateways. Secrets are hidden. */
export class ConnectorViews {
  private readonly connectors: Connectors;

  constructor(connectors: Connectors) {
    this.connectors = connectors;
  }

  names(): string[] {
    return [...this.connectors.store.configs.connectors.keys()];
  }

  info(name: string): ConnectorInfo {
    const entry = this.entry(name);
    return this.infoOf(name, entry.config, this.taskCount(entry));
  }

  infoOf(name: string, config: FlatConfig, tasks: number): ConnectorInfo {
    return {
      name,
      config: masked(config),
      tasks: Array.from({ length: tasks }, (_, task) => ({ connector: name, task })),
      type: typeOf(config),
    };
  }

  config(name: string): FlatConfig {
    return masked(this.entry(name).config);
  }

  tasks(name: string): { id: { connector: string; task: number }; config: FlatConfig }[] {
    const entry = this.entry(name);
    const tasks = this.connectors.descriptions.ofTasks(entry)?.tasks ?? [];
    return tasks.map(({ config }, task) => ({ id: { connector: name, task }, config: masked(config) }));
  }

  status(name: string): StatusInfo {
    const { store } = this.connectors;
    const entry = store.configs.connectors.get(name);
    const own = store.statuses.connector(name);
    if (entry === undefined || own === undefined) throw notFound(`No status found for connector ${name}`);
    const ids = Array.from({ length: this.taskCount(entry) }, (_, task) => task);
    const tasks = ids.flatMap((task) => {
      const status = store.statuses.task(name, task);
      return status === undefined ? [] : [{ id: task, ...this.stateOf(status, partitionOfTask(name, task)) }];
    });
    return {
      name,
      connector: this.stateOf(own, partitionOfConnector(name)),
      tasks,
      type: typeOf(entry.config),
    };
  }

  taskStatus(name: string, task: number): StateInfo & { readonly id: number } {
    const { store } = this.connectors;
    const entry = store.configs.connectors.get(name);
    const status = store.statuses.task(name, task);
    if (entry === undefined || status === undefined || task >= this.taskCount(entry))
      throw notFound(`No status found for task ${name}-${task}`);
    return { id: task, ...this.stateOf(status, partitionOfTask(name, task)) };
  }

  /** Also for a connector that does not exist, as in Connect. */
  topics(name: string): Record<string, { topics: string[] }> {
    return { [name]: { topics: this.connectors.store.statuses.topicsOf(name) } };
  }

  async offsets(name: string): Promise<{ offsets: SourceOffset[] }> {
    const entry = this.entry(name);
    if (typeOf(entry.config) !== 'sink') return { offsets: this.connectors.store.offsets.of(name) };
    return {
      offsets: await sinkOffsets(this.connectors.options.dataAdmin, groupOfSink(name), topicsOfSink(entry.config)),
    };
  }

  /** Whether a task of the connector still runs on any gateway, also one that is about to end. */
  isBusy(name: string): boolean {
    const { configs, statuses } = this.connectors.store;
    return statuses.tasksOf(name).some((task) => {
      const claim = configs.claims.get(partitionOfTask(name, task));
      const status = statuses.task(name, task);
      return status?.state !== 'UNASSIGNED' && claim?.isReleased === false && claim.epoch === status?.generation;
    });
  }

  entry(name: string): ConnectorEntry {
    const entry = this.connectors.store.configs.connectors.get(name);
    if (entry === undefined) throw notFound(`Connector ${name} not found`);
    return entry;
  }

  taskCount(entry: ConnectorEntry): number {
    return this.connectors.descriptions.taskCount(entry);
  }

  /** A status under an older claim is not true any more: another gateway has the partition, or will. */
  private stateOf({ state, worker_id, version, trace, generation }: Status, partition: number): StateInfo {
    const claim = this.connectors.store.configs.claims.get(partition);
    const isOld = state !== 'STOPPED' && claim !== undefined && claim.epoch > generation;
    if (isOld) return { state: 'UNASSIGNED', worker_id, version };
    return { state, worker_id, version, ...(trace === undefined ? {} : { trace }) };
  }
}

export function notFound(message: string): ConnectRefusal {
  return new ConnectRefusal(404, message);
}

export function typeOf(config: FlatConfig): ConnectorInfo['type'] {
  return pluginOf(config['connector.class']?.trim() ?? '')?.type ?? 'unknown';
}

export function topicsOfSink(config: FlatConfig): string[] {
  return (config.topics ?? '')
    .split(',')
    .map((topic) => topic.trim())
    .filter((topic) => topic !== '');
}

/** As Java prints a map, in messages that Connect writes so. */
export function shown(config: FlatConfig): string {
  const pairs = Object.entries(masked(config)).map(([key, value]) => `${key}=${value ?? 'null'}`);
  return `{${quoteValue(pairs.join(', '))}}`;
}
