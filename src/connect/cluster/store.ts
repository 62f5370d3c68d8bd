import { type Observable, Subject } from 'rxjs';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { TopicPort } from '../../sdk/context.ts';
import { TableTopic, type TableTopicOptions } from '../../tables/table-topic.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { FlatConfig } from '../settings/index.ts';
import type { InitialConnector } from '../settings/standalone/standalone.ts';
import type { Cipher } from './cipher.ts';
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
import { type Status, StatusTable, topicStatusKey } from './status-table.ts';
import { type ConnectTopicNames, partitionOfConnector } from './topics.ts';

export interface ConnectStoreOptions {
  readonly names: ConnectTopicNames;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  readonly port: (topic: string) => TopicPort;
  readonly me: Worker;
  /** For what is kept encrypted in the topic of configs. */
  readonly cipher: Cipher;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the gateways of a cluster know of their connectors, in three compacted topics. It says what changes, and knows none of its listeners. */
export class ConnectStore {
  readonly configs: ConfigTable;
  readonly statuses = new StatusTable();
  readonly offsets = new OffsetTable();
  private readonly me: Worker;
  private readonly cipher: Cipher;
  private readonly topics: Readonly<Record<'configs' | 'status' | 'offsets', TableTopic>>;
  private readonly changes = new Subject<ConfigChange>();
  private readonly lostStatuses = new Subject<void>();
  private isClosed = false;

  constructor({ names, log, port, me, cipher, clock, logger }: ConnectStoreOptions) {
    this.me = me;
    this.cipher = cipher;
    this.configs = new ConfigTable(cipher);
    const shared = (name: string, handler: Pick<TableTopicOptions, 'apply' | 'recreated'>) =>
      new TableTopic({ name, log, port: port(name), clock, logger, ...handler });
    this.topics = {
      configs: shared(names.configs, {
        apply: (message) => {
          const change = this.configs.apply(message);
          if (change !== undefined) this.changes.next(change);
        },
        recreated: () => {
          this.configs.clear();
          this.changes.next({ type: 'reset' });
        },
      }),
      status: shared(names.status, {
        apply: (message) => this.statuses.apply(message),
        recreated: () => {
          this.statuses.clear();
          this.lostStatuses.next();
        },
      }),
      offsets: shared(names.offsets, {
        apply: (message) => this.offsets.apply(message),
        recreated: () => this.offsets.clear(),
      }),
    };
  }

  /** What each record of the topic of configs has changed, once it has been applied. Listeners are called in the order of their subscriptions. */
  get changes$(): Observable<ConfigChange> {
    return this.changes;
  }

  /** Emits when the topic of statuses was deleted and created again: what runs has to report again. */
  get statusesLost$(): Observable<void> {
    return this.lostStatuses;
  }

  /** Resolves when everything is known that was there at the start. */
  get caughtUp(): Promise<unknown> {
    return Promise.all(Object.values(this.topics).map(({ caughtUp }) => caughtUp));
  }

  open(): void {
    for (const topic of Object.values(this.topics)) topic.open();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all(Object.values(this.topics).map((topic) => topic.close()));
  }

  // Each resolves once the record has been read back, and has its place in the order that is the same for all gateways. Each
  // rejects with the reason if the log refuses the record.

  async writeConnector(name: string, config: FlatConfig, state: TargetState, epoch: number): Promise<void> {
    const taskConfig = this.configs.connectors.get(name)?.taskSettings?.config;
    await this.topics.configs.write(connectorKey(name), this.sealed(name, { config, state, taskConfig }, epoch));
  }

  /** The deletion says under which claim it was decided; the tombstone behind it only sweeps up. */
  async deleteConnector(name: string, epoch: number): Promise<void> {
    await this.topics.configs.write(connectorKey(name), { deleted: true, epoch });
    this.topics.configs.put(connectorKey(name), null, epochHeader(epoch));
    for (const key of this.statuses.keysOf(name)) this.topics.status.put(key, null);
  }

  /** Makes these the only connectors, before this gateway has claimed any: no other gateway is there. */
  async replaceConnectors(connectors: readonly InitialConnector[]): Promise<void> {
    const epochOf = (name: string) => this.configs.claims.get(partitionOfConnector(name))?.epoch ?? 0;
    const wanted = new Set(connectors.map(({ name }) => name));
    const gone = [...this.configs.connectors.keys()].filter((name) => !wanted.has(name));
    const write = ({ name, config, state }: InitialConnector) =>
      // One that begins paused has no tasks, as if it had never run.
      this.topics.configs.write(
        connectorKey(name),
        this.sealed(name, { config, state, taskConfig: undefined }, epochOf(name)),
      );
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
    await this.topics.configs.write(SESSION_KEY, { key: this.cipher.seal(key, SESSION_KEY) });
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

  /** Calls back once everything has been read that any gateway wrote about connectors and claims before; never after the end. */
  whenConfigsRead(step: () => void): void {
    this.topics.configs.upToDate(`barrier-${this.me.id}`).then(step, () => {
      // The topic was deleted and created again.
      if (!this.isClosed) this.whenConfigsRead(step);
    });
  }

  /** Resolves when everything has been read that any gateway wrote about offsets before. */
  async offsetsUpToDate(): Promise<void> {
    await this.topics.offsets.upToDate(`barrier-${this.me.id}`);
  }

  /** The same, but rejects with the reason if the log does not take records now. */
  async offsetsUpToDateNow(): Promise<void> {
    await this.topics.offsets.write(`barrier-${this.me.id}`, null);
  }

  async forgetTopics(connector: string): Promise<void> {
    const keys = this.statuses.topicsOf(connector).map((topic) => topicStatusKey(connector, topic));
    await Promise.all(keys.map((key) => this.topics.status.write(key, null)));
  }

  // These do not wait for the log.

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

  /** Writes a connector once more as it is: a former owner wrote something else, or its secrets were encrypted in another way. */
  rewrite(name: string, epoch: number): void {
    const entry = this.configs.connectors.get(name);
    if (entry === undefined) this.topics.configs.put(connectorKey(name), null, epochHeader(epoch));
    else
      this.topics.configs.put(
        connectorKey(name),
        this.sealed(name, { ...entry, taskConfig: entry.taskSettings?.config }, epoch),
      );
  }

  putStatus(key: string, status: Status | null): void {
    this.topics.status.put(key, status);
  }

  putTopic(connector: string, topic: string): void {
    this.topics.status.put(topicStatusKey(connector, topic), { topic });
  }

  // --- within

  private sealed(
    name: string,
    { config, state, taskConfig }: { config: FlatConfig; state: TargetState; taskConfig: FlatConfig | undefined },
    epoch: number,
  ): object {
    const { seal } = this.configs;
    const stored = seal.seal(name, config);
    if (taskConfig === undefined) return connectorValue({ config: stored, state, taskConfig }, epoch);
    const ofTasks = seal.isSame(taskConfig, config) ? stored : seal.seal(name, taskConfig);
    return connectorValue({ config: stored, state, taskConfig: ofTasks }, epoch);
  }
}
