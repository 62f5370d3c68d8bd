import { randomBytes } from 'node:crypto';
import type { Examined, FlatConfig } from '../../config/connect/index.ts';
import type { InitialConnector } from '../../config/index.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log, LogAdmin } from '../../core/log.ts';
import type { TopicPort } from '../../sdk/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { Worker } from './config-records.ts';
import type { ConfigChange } from './config-table.ts';
import { Ownership } from './ownership.ts';
import type { Run } from './runner.ts';
import type { RunState } from './status-table.ts';
import { ConnectStore } from './store.ts';
import type { TaskOrder } from './task-order.ts';
import { connectTopicNames, partitionOfConnector } from './topics.ts';
import { Work } from './work.ts';

/** Milliseconds between looks at whether everything has begun, for those who wait for that. */
const LOOK = 50;

export interface ConnectorsOptions {
  /** Where the connectors, their status and their offsets are kept. */
  readonly log: Pick<Log, 'reader' | 'admin' | 'group'>;
  /** Of the log that connectors write to and read from. */
  readonly dataAdmin: LogAdmin;
  /** The one way to write to a topic of `log`. */
  readonly port: (topic: string) => TopicPort;
  /** What the names of the cluster's topics begin with. */
  readonly prefix: string;
  /** Consumer group that deals the work. */
  readonly group: string;
  /** Milliseconds. */
  readonly sessionTimeout: number;
  readonly me: Worker;
  readonly version: string;
  /** There are these at the start, and no others; those that there were, where it is left out. */
  readonly initial?: readonly InitialConnector[] | undefined;
  readonly examine: (config: FlatConfig) => Examined | undefined;
  readonly run: (order: TaskOrder) => Promise<Run>;
  /** A logger has another level now, on all gateways. */
  readonly levelSet: (logger: string, level: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
}

const STATES: readonly RunState[] = ['RUNNING', 'PAUSED', 'FAILED', 'RESTARTING', 'UNASSIGNED'];

/** The connectors of a cluster, as far as this gateway runs them and knows of them. */
export class Connectors {
  readonly store: ConnectStore;
  readonly ownership: Ownership;
  readonly work: Work;
  readonly options: ConnectorsOptions;
  private isRead = false;
  private hasBegun = false;
  private isClosed = false;

  constructor(options: ConnectorsOptions) {
    const { prefix, log, port, group, me, sessionTimeout, clock, logger, stats } = options;
    const names = connectTopicNames(prefix);
    this.options = options;
    this.store = new ConnectStore({
      ...{ names, log, port, me, clock, logger },
      changed: (change) => this.follow(change),
      statusesLost: () => this.work.reportAgain(),
    });
    this.ownership = new Ownership({
      ...{ log, group, topic: names.work, sessionTimeout, me, clock, logger },
      claims: this.store.configs.claims,
      write: (partitions, claim) => this.store.putClaims(partitions, claim),
      whenRead: (step) => this.whenRead(step),
      changed: () => this.work.changed(),
    });
    this.work = new Work({
      ...options,
      store: this.store,
      ownership: () => this.ownership,
      workerId: () => new URL(me.url).host,
    });
    for (const state of STATES)
      stats.gauge('tidegate_connect_running', { state: state.toLowerCase() }, () => this.work.count(state));
    stats.gauge('tidegate_connect_connectors', {}, () => this.store.configs.connectors.size);
  }

  /** Why connectors cannot be asked about yet; undefined when they can. */
  get trouble(): string | undefined {
    if (!this.isRead) return 'the connectors are being read from the log';
    if (this.ownership.hasBegun) this.hasBegun = true;
    return this.hasBegun ? undefined : 'the connectors are being dealt out';
  }

  /** Resolves with what is still in the way after so many milliseconds, or as soon as nothing is. */
  async troubleAfter(patience: number): Promise<string | undefined> {
    const { clock } = this.options;
    const end = clock.now() + patience;
    while (this.trouble !== undefined && !this.isClosed && clock.now() < end)
      await new Promise<void>((resolve) => {
        clock.after(LOOK, resolve);
      });
    return this.trouble;
  }

  /** The topics exist by now. */
  start(): void {
    this.store.open();
    this.read().then(
      () => this.begin(),
      (error: unknown) => {
        if (!this.isClosed) this.options.logger.error({ error }, 'the connectors cannot be read');
      },
    );
  }

  /** Finishes what runs here and hands it over; resolves when nothing is left. */
  async drained(): Promise<void> {
    await this.work.stop();
    if (!this.isRead) return;
    this.ownership.giveUpAll();
    this.ownership.letGo(this.ownership.leaving);
    await this.ownership.leave();
  }

  /** Only after `drained`, or to force an end. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.work.drop();
    await Promise.all([this.ownership.leave(), this.store.close()]);
  }

  /** Asks again where the topic of configs was deleted and created again meanwhile. */
  private whenRead(step: () => void): void {
    this.store.configsUpToDate().then(step, () => {
      if (!this.isClosed) this.whenRead(step);
    });
  }

  private async read(): Promise<void> {
    await this.store.caughtUp;
    if (this.options.initial !== undefined) await this.store.replaceConnectors(this.options.initial);
  }

  private begin(): void {
    if (this.isClosed) return;
    this.isRead = true;
    if (this.store.configs.sessionKey === undefined) this.writeSessionKey();
    this.ownership.start();
  }

  /** Of two that find none the later one counts, for both. */
  private writeSessionKey(): void {
    this.store
      .writeSessionKey(randomBytes(32).toString('base64'))
      .catch((error: unknown) => this.options.logger.debug({ error }, 'the session key was not written'));
  }

  /** The topic of configs was deleted and created again: there are the connectors that the new one has, and no others. */
  private beginAgain(): void {
    if (!this.isRead || this.isClosed) return;
    const { initial, logger } = this.options;
    this.writeSessionKey();
    this.ownership.claimAgain();
    if (initial === undefined) return;
    this.store
      .replaceConnectors(initial)
      .catch((error: unknown) => logger.error({ error }, 'the connectors could not be written again'));
  }

  private follow(change: ConfigChange): void {
    switch (change.type) {
      case 'claim':
        this.ownership.claimed(change.partition);
        for (const name of this.store.configs.stale)
          if (partitionOfConnector(name) === change.partition) this.putRight(name);
        break;
      case 'restart':
        this.work.restart(change.restart);
        break;
      case 'deleted':
        this.work.forget(change.name);
        break;
      case 'stale':
        this.putRight(change.name);
        break;
      case 'reset':
        this.beginAgain();
        break;
      case 'level':
        this.options.levelSet(change.logger, change.level);
        break;
    }
    this.work.changed();
  }

  private putRight(name: string): void {
    const partition = partitionOfConnector(name);
    const epoch = this.ownership.epochOf(partition);
    if (epoch === undefined || !this.ownership.isOurs(partition)) return;
    this.options.logger.warn(
      { connector: name },
      `a gateway that does not have the connector ${name} any more wrote about it; that is taken back`,
    );
    this.store.putRight(name, epoch);
  }
}
