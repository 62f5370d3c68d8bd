import { randomBytes } from 'node:crypto';
import { guarded } from '../../actors/lifecycle.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log, LogAdmin } from '../../core/log.ts';
import { pause } from '../../core/waiting.ts';
import type { TopicPort } from '../../sdk/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { Examined, FlatConfig } from '../settings/index.ts';
import type { InitialConnector } from '../settings/standalone/standalone.ts';
import type { Cipher } from './cipher.ts';
import type { Worker } from './config-records.ts';
import type { ConfigChange } from './config-table.ts';
import { ConnectorDescriptions } from './descriptions.ts';
import { Ownership } from './ownership.ts';
import { RecordRepair } from './record-repair.ts';
import type { Run } from './runner.ts';
import type { RunState } from './status-table.ts';
import { ConnectStore } from './store.ts';
import type { TaskContext } from './task-context.ts';
import { connectTopicNames } from './topics.ts';
import { Work } from './work.ts';

/** Milliseconds between checks whether the connectors are ready. */
const CHECK_INTERVAL = 50;

export interface ConnectorsOptions {
  /** Keeps the connectors, their statuses and their offsets. */
  readonly log: Pick<Log, 'reader' | 'admin' | 'group'>;
  /** Of the log that connectors write to and read from, which may be another one. */
  readonly dataAdmin: LogAdmin;
  /** The one way to write to a topic of `log`. */
  readonly port: (topic: string) => TopicPort;
  /** Prefix of the names of the cluster's topics. */
  readonly prefix: string;
  /** Consumer group that assigns the work. */
  readonly group: string;
  /** Milliseconds. */
  readonly sessionTimeout: number;
  readonly me: Worker;
  /** Encrypts secrets in the topic of configs. */
  readonly cipher: Cipher;
  readonly version: string;
  /** The only connectors at the start; without it, those that the log has. */
  readonly initial?: readonly InitialConnector[] | undefined;
  readonly examine: (config: FlatConfig) => Examined | undefined;
  readonly run: (task: TaskContext) => Promise<Run>;
  /** A logger has a new level, on all gateways. */
  readonly levelSet: (logger: string, level: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
}

const STATES: readonly RunState[] = ['RUNNING', 'PAUSED', 'FAILED', 'RESTARTING', 'UNASSIGNED'];

/**
 * The connectors of a cluster, as this gateway knows and runs them. The parts are in one direction: the store says what has
 * changed, ownership listens to it, and work listens to both. Listeners are called in the order in which they are made here.
 */
export class Connectors {
  readonly store: ConnectStore;
  readonly ownership: Ownership;
  readonly descriptions: ConnectorDescriptions;
  readonly options: ConnectorsOptions;
  private readonly work: Work;
  private isRead = false;
  private hasBegun = false;
  private isClosed = false;

  constructor(options: ConnectorsOptions) {
    const { prefix, log, port, group, me, cipher, sessionTimeout, examine, clock, logger, stats } = options;
    const names = connectTopicNames(prefix);
    this.options = options;
    this.descriptions = new ConnectorDescriptions(examine);
    const store = new ConnectStore({ names, log, port, me, cipher, clock, logger });
    const ownership = new Ownership({
      ...{ log, group, topic: names.work, sessionTimeout, me, clock, logger },
      claims: store.configs.claims,
      changes$: store.changes$,
      write: (partitions, claim) => store.putClaims(partitions, claim),
      whenRead: (step) => store.whenConfigsRead(step),
    });
    this.store = store;
    this.ownership = ownership;
    new RecordRepair({ store, ownership, logger });
    store.changes$.subscribe(guarded((change) => this.follow(change), logger));
    const { descriptions } = this;
    this.work = new Work({ ...options, store, ownership, descriptions, workerId: () => new URL(me.url).host });
    for (const state of STATES)
      stats.gauge('tidegate_connect_running', { state: state.toLowerCase() }, () => this.work.count(state));
    stats.gauge('tidegate_connect_connectors', {}, () => store.configs.connectors.size);
  }

  /** Why the connectors are not available yet; undefined if they are. */
  get notReadyReason(): string | undefined {
    if (!this.isRead) return 'the connectors are being read from the log';
    if (this.ownership.hasBegun) this.hasBegun = true;
    return this.hasBegun ? undefined : 'the connectors are being assigned to gateways';
  }

  /** Resolves with the reason after so many milliseconds, or with undefined as soon as the connectors are available. */
  async notReadyAfter(timeout: number): Promise<string | undefined> {
    const { clock } = this.options;
    const end = clock.elapsed() + timeout;
    while (this.notReadyReason !== undefined && !this.isClosed && clock.elapsed() < end)
      await pause(clock, CHECK_INTERVAL);
    return this.notReadyReason;
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

  /** Finishes what runs here and hands it over to other gateways; resolves when nothing runs here any more. */
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

  private async read(): Promise<void> {
    await this.store.caughtUp;
    if (this.options.initial !== undefined) await this.store.replaceConnectors(this.options.initial);
  }

  private begin(): void {
    if (this.isClosed) return;
    this.isRead = true;
    const { isSessionKeyWanted, unreadableSessionKey, connectors } = this.store.configs;
    if (isSessionKeyWanted) this.writeSessionKey();
    if (unreadableSessionKey !== undefined)
      this.options.logger.error(
        { topic: connectTopicNames(this.options.prefix).configs },
        `calls that another gateway has to answer cannot be forwarded: the key by which gateways know each other ${unreadableSessionKey}`,
      );
    for (const name of connectors.keys()) this.logUnreadable(name);
    this.ownership.start();
  }

  /** If two gateways find none, the later key counts, for both. */
  private writeSessionKey(): void {
    this.store
      .writeSessionKey(randomBytes(32).toString('base64'))
      .catch((error: unknown) => this.options.logger.debug({ error }, 'the session key was not written'));
  }

  private follow(change: ConfigChange): void {
    if (change.type === 'connector' && this.isRead) this.logUnreadable(change.name);
    if (change.type === 'level') this.options.levelSet(change.logger, change.level);
    if (change.type === 'reset') this.beginAgain();
  }

  /** The topic of configs was deleted and created again: only the connectors of the new one exist. */
  private beginAgain(): void {
    if (!this.isRead || this.isClosed) return;
    const { initial, logger } = this.options;
    this.writeSessionKey();
    if (initial === undefined) return;
    this.store
      .replaceConnectors(initial)
      .catch((error: unknown) => logger.error({ error }, 'the connectors could not be written again'));
  }

  /** Logs once for each version of the settings. */
  private logUnreadable(name: string): void {
    const { configs } = this.store;
    const entry = configs.connectors.get(name);
    const unreadable = entry === undefined ? undefined : configs.seal.unreadable(entry.config);
    if (unreadable !== undefined)
      this.options.logger.error({ connector: name }, `the connector ${name} cannot run on this gateway: ${unreadable}`);
  }
}
