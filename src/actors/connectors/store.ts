import type { FlatConfig } from '../../config/connect/index.ts';
import type { InitialConnector } from '../../config/index.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { TopicPort } from '../../sdk/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import {
  claimKey,
  connectorKey,
  connectorValue,
  epochHeader,
  levelKey,
  restartKey,
  SESSION_KEY,
  type TargetState,
  type Worker,
} from './config-records.ts';
import { type ConfigChange, ConfigTable } from './config-table.ts';
import { type JsonObject, OffsetTable, offsetKey } from './offset-table.ts';
import { SharedTopic, type SharedTopicOptions } from './shared-topic.ts';
import { type Status, StatusTable, topicStatusKey } from './status-table.ts';
import { type ConnectTopicNames, partitionOfConnector } from './topics.ts';

export interface ConnectStoreOptions {
  readonly names: ConnectTopicNames;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  readonly port: (topic: string) => TopicPort;
  readonly me: Worker;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A record of the topic of configs has been applied. */
  readonly changed: (change: ConfigChange) => void;
  /** The topic of statuses was deleted and created again: what runs is to report anew. */
  readonly statusesLost: () => void;
}

/** What the gateways of a cluster know of their connectors, in three compacted topics. */
export class ConnectStore {
  readonly configs = new ConfigTable();
  readonly statuses = new StatusTable();
  readonly offsets = new OffsetTable();
  private readonly me: Worker;
  private readonly topics: Readonly<Record<'configs' | 'status' | 'offsets', SharedTopic>>;

  constructor({ names, log, port, me, clock, logger, changed, statusesLost }: ConnectStoreOptions) {
    this.me = me;
    const shared = (name: string, handler: Pick<SharedTopicOptions, 'apply' | 'recreated'>) =>
      new SharedTopic({ name, log, port: port(name), clock, logger, ...handler });
    this.topics = {
      configs: shared(names.configs, {
        apply: (message) => {
          const change = this.configs.apply(message);
          if (change !== undefined) changed(change);
        },
        recreated: () => {
          this.configs.clear();
          changed({ type: 'reset' });
        },
      }),
      status: shared(names.status, {
        apply: (message) => this.statuses.apply(message),
        recreated: () => {
          this.statuses.clear();
          statusesLost();
        },
      }),
      offsets: shared(names.offsets, {
        apply: (message) => this.offsets.apply(message),
        recreated: () => this.offsets.clear(),
      }),
    };
  }

  /** Resolves when everything is known that was there at the start. */
  get caughtUp(): Promise<unknown> {
    return Promise.all(Object.values(this.topics).map(({ caughtUp }) => caughtUp));
  }

  open(): void {
    for (const topic of Object.values(this.topics)) topic.open();
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.topics).map((topic) => topic.close()));
  }

  // Each resolves once the record has been read back, by which time everybody who reads knows of it in this order.

  async writeConnector(name: string, config: FlatConfig, state: TargetState, epoch: number): Promise<void> {
    const dealt = this.configs.connectors.get(name)?.dealt?.config;
    await this.topics.configs.write(connectorKey(name), connectorValue({ config, state, dealt }, epoch));
  }

  /** The deletion says under which claim it was decided; the tombstone behind it only sweeps up. */
  async deleteConnector(name: string, epoch: number): Promise<void> {
    await this.topics.configs.write(connectorKey(name), { deleted: true, epoch });
    this.topics.configs.put(connectorKey(name), null, epochHeader(epoch));
    for (const key of this.statuses.keysOf(name)) this.topics.status.put(key, null);
  }

  /** These and no others, before anybody has claimed anything: whoever was here before has gone. */
  async replaceConnectors(connectors: readonly InitialConnector[]): Promise<void> {
    const epochOf = (name: string) => this.configs.claims.get(partitionOfConnector(name))?.epoch ?? 0;
    const wanted = new Set(connectors.map(({ name }) => name));
    const gone = [...this.configs.connectors.keys()].filter((name) => !wanted.has(name));
    const write = ({ name, config, state }: InitialConnector) =>
      // One that begins paused has no tasks, as if it had never run.
      this.topics.configs.write(connectorKey(name), connectorValue({ config, state, dealt: undefined }, epochOf(name)));
    await Promise.all([...gone.map((name) => this.deleteConnector(name, epochOf(name))), ...connectors.map(write)]);
  }

  async writeRestart(name: string, connector: boolean, tasks: readonly number[], epoch: number): Promise<void> {
    await this.topics.configs.write(restartKey(name), { connector, tasks, epoch });
    this.topics.configs.put(restartKey(name), null);
  }

  async writeLevel(logger: string, level: string): Promise<void> {
    await this.topics.configs.write(levelKey(logger), { level });
  }

  async writeSessionKey(key: string): Promise<void> {
    await this.topics.configs.write(SESSION_KEY, { key });
  }

  /** null for a partition that is to begin anew. */
  async writeOffset(
    connector: string,
    partition: JsonObject,
    offset: JsonObject | null,
    generation: number,
  ): Promise<void> {
    await this.topics.offsets.write(offsetKey(connector, partition), { offset, generation });
  }

  /** Resolves when everything has been read that anybody wrote about connectors and claims before. */
  async configsUpToDate(): Promise<void> {
    await this.topics.configs.write(`barrier-${this.me.id}`, null);
  }

  /** Resolves when everything has been read that anybody wrote about offsets before. */
  async offsetsUpToDate(): Promise<void> {
    await this.topics.offsets.write(`barrier-${this.me.id}`, null);
  }

  async forgetTopics(connector: string): Promise<void> {
    const keys = this.statuses.topicsOf(connector).map((topic) => topicStatusKey(connector, topic));
    await Promise.all(keys.map((key) => this.topics.status.write(key, null)));
  }

  // These are not waited for.

  putClaims(
    partitions: readonly number[],
    { generation, isReleased }: { generation: number; isReleased: boolean },
  ): void {
    const { id, url } = this.me;
    for (const partition of partitions)
      this.topics.configs.put(claimKey(partition), {
        worker: id,
        url,
        generation,
        ...(isReleased ? { released: true } : {}),
      });
  }

  /** Says again what holds, where somebody wrote who did not know that he had lost the name. */
  putRight(name: string, epoch: number): void {
    const entry = this.configs.connectors.get(name);
    if (entry === undefined) this.topics.configs.put(connectorKey(name), null, epochHeader(epoch));
    else this.topics.configs.put(connectorKey(name), connectorValue({ ...entry, dealt: entry.dealt?.config }, epoch));
  }

  putStatus(key: string, status: Status | null): void {
    this.topics.status.put(key, status);
  }

  putTopic(connector: string, topic: string): void {
    this.topics.status.put(topicStatusKey(connector, topic), { topic });
  }
}
