import { quoteValue } from '../../core/quote.ts';
import { pause } from '../../core/waiting.ts';
import { type FlatConfig, groupOfSink, hiddenLeft, plugins, refusalOf, unmasked } from '../settings/index.ts';
import type { TargetState } from './config-records.ts';
import type { ConnectorEntry } from './config-table.ts';
import type { Connectors } from './connectors.ts';
import type { OffsetChange } from './offset-table.ts';
import { BelongsElsewhere, ConnectRefusal, rebalancing } from './refusal.ts';
import { alterSinkOffsets } from './sink-offsets.ts';
import { partitionOfConnector } from './topics.ts';
import {
  type ConnectorInfo,
  type ConnectorViews,
  notFound,
  type StatusInfo,
  shown,
  topicsOfSink,
  typeOf,
} from './views.ts';

/** Milliseconds that the tasks of a stopped connector may take to end before its offsets are changed. */
const TASKS_TIMEOUT = 10_000;
const CHECK_INTERVAL = 50;

const NOT_STOPPED = (name: string) =>
  `Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/${name}/stop' endpoint`;

/**
 * Changes connectors. The owner of a name's partition checks, writes, reads its own record back and answers. On any other
 * gateway each call throws BelongsElsewhere, or a ConnectRefusal with 409 while the owner is not known. Calls for one name
 * are executed one after the other.
 */
export class ConnectorCommands {
  private readonly connectors: Connectors;
  private readonly views: ConnectorViews;
  private readonly queues = new Map<string, Promise<unknown>>();

  constructor(connectors: Connectors, views: ConnectorViews) {
    this.connectors = connectors;
    this.views = views;
  }

  create(name: string, given: FlatConfig, state: TargetState): Promise<ConnectorInfo> {
    return this.inTurn(name, async (epoch) => {
      const config = this.checked(name, given, undefined);
      if (this.known(name) !== undefined) throw new ConnectRefusal(409, `Connector ${name} already exists`);
      await this.write(name, config, state, epoch);
      return this.views.infoOf(name, config, 0);
    });
  }

  /** `isNew`: there was none of that name. */
  put(name: string, given: FlatConfig): Promise<{ readonly isNew: boolean; readonly info: ConnectorInfo }> {
    return this.inTurn(name, async (epoch) => {
      const before = this.known(name);
      const config = this.checked(name, given, before);
      await this.write(name, config, before?.state ?? 'RUNNING', epoch);
      const isNew = before === undefined;
      return { isNew, info: isNew ? this.views.infoOf(name, config, 0) : this.views.info(name) };
    });
  }

  /** A key whose value is null is removed. */
  patch(name: string, changes: FlatConfig): Promise<ConnectorInfo> {
    return this.inTurn(name, async (epoch) => {
      const before = this.views.entry(name);
      const merged = { ...before.config, ...changes };
      const kept = Object.fromEntries(Object.entries(merged).filter(([key]) => changes[key] !== null));
      await this.write(name, this.checked(name, kept, before), before.state, epoch);
      return this.views.info(name);
    });
  }

  delete(name: string): Promise<void> {
    return this.inTurn(name, async (epoch) => {
      this.views.entry(name);
      await this.connectors.store.deleteConnector(name, epoch);
      this.checkStill(name, epoch);
    });
  }

  setState(name: string, state: TargetState): Promise<void> {
    return this.inTurn(name, async (epoch) => {
      const entry = this.known(name);
      if (entry === undefined) throw notFound(`Unknown connector ${name}`);
      await this.write(name, entry.config, state, epoch);
    });
  }

  /** Resolves with the status as it is about to be. */
  restart(
    name: string,
    { includeTasks, onlyFailed }: { includeTasks: boolean; onlyFailed: boolean },
  ): Promise<StatusInfo> {
    return this.inTurn(name, async (epoch) => {
      if (this.known(name) === undefined) throw notFound(`Unknown connector: ${name}`);
      const status = this.views.status(name);
      const isMeant = (state: string) => !onlyFailed || state === 'FAILED';
      const isConnector = isMeant(status.connector.state) && status.connector.state !== 'STOPPED';
      const tasks = includeTasks ? status.tasks.filter(({ state }) => isMeant(state)).map(({ id }) => id) : [];
      if (isConnector || tasks.length > 0) await this.connectors.store.writeRestart(name, isConnector, tasks, epoch);
      const restarting = { state: 'RESTARTING' } as const;
      return {
        ...status,
        connector: isMeant(status.connector.state) ? { ...status.connector, ...restarting } : status.connector,
        tasks: status.tasks.map((task) => (tasks.includes(task.id) ? { ...task, ...restarting } : task)),
      };
    });
  }

  restartTask(name: string, task: number): Promise<void> {
    return this.inTurn(name, async (epoch) => {
      const entry = this.known(name);
      if (entry === undefined) throw notFound(`Unknown connector: ${name}`);
      if (task >= this.views.taskCount(entry)) throw notFound(`Unknown task: ${name}-${task}`);
      await this.connectors.store.writeRestart(name, false, [task], epoch);
    });
  }

  resetTopics(name: string): Promise<void> {
    return this.connectors.store.forgetTopics(name);
  }

  alterOffsets(name: string, changes: readonly OffsetChange[]): Promise<string> {
    return this.inTurn(name, async () => {
      const entry = await this.stopped(name);
      if (typeOf(entry.config) === 'sink') await this.alterSink(entry, changes);
      else await this.alterSource(entry, changes);
      return 'The offsets for this connector have been altered successfully';
    });
  }

  resetOffsets(name: string): Promise<string> {
    return this.inTurn(name, async () => {
      const entry = await this.stopped(name);
      if (typeOf(entry.config) === 'sink') await this.connectors.options.dataAdmin.deleteGroup(groupOfSink(name));
      else
        await this.alterSource(
          entry,
          this.connectors.store.offsets.of(name).map(({ partition }) => ({ partition, offset: null })),
        );
      return 'The offsets for this connector have been reset successfully';
    });
  }

  /** What a task that ran before the stop still saves is older. */
  private async alterSource({ name, writtenAt }: ConnectorEntry, changes: readonly OffsetChange[]): Promise<void> {
    const checked = changes.map(sourceOffset);
    const { store } = this.connectors;
    await store.offsetsUpToDateNow();
    for (const { partition, offset } of checked)
      await store.writeOffset(
        name,
        partition,
        offset,
        Math.max(writtenAt, store.offsets.generationOf(name, partition)),
      );
  }

  private alterSink({ name, config }: ConnectorEntry, changes: readonly OffsetChange[]): Promise<void> {
    const { dataAdmin } = this.connectors.options;
    return alterSinkOffsets(dataAdmin, groupOfSink(name), topicsOfSink(config), changes);
  }

  /** The connector, once none of its tasks runs any more. */
  private async stopped(name: string): Promise<ConnectorEntry> {
    const { clock } = this.connectors.options;
    const entry = this.views.entry(name);
    if (entry.state !== 'STOPPED') throw new ConnectRefusal(400, NOT_STOPPED(name));
    for (let waited = 0; this.views.isBusy(name); waited += CHECK_INTERVAL) {
      if (waited >= TASKS_TIMEOUT)
        throw new ConnectRefusal(409, `Tasks of the connector ${name} have not ended yet; try again later`);
      await pause(clock, CHECK_INTERVAL);
    }
    return entry;
  }

  /** The settings as they are to be stored. Throws the refusal with everything that is wrong with them. */
  private checked(name: string, given: FlatConfig, before: ConnectorEntry | undefined): FlatConfig {
    const own = given.name?.trim();
    if (own !== undefined && own !== name)
      throw new ConnectRefusal(
        400,
        `Connector name configuration (${quoteValue(own)}) doesn't match connector name in the URL (${name})`,
      );
    const config = unmasked({ ...given, name }, before?.config ?? {});
    const type = config['connector.class']?.trim();
    if (type === undefined)
      throw new ConnectRefusal(400, `Connector config ${shown(config)} contains no connector type`);
    const examined = this.connectors.options.examine(config);
    if (examined === undefined) throw new ConnectRefusal(400, noSuchClass(type));
    const refusal = refusalOf(examined, hiddenLeft(config));
    if (refusal !== undefined) throw new ConnectRefusal(400, refusal);
    return config;
  }

  private known(name: string): ConnectorEntry | undefined {
    return this.connectors.store.configs.connectors.get(name);
  }

  private async write(name: string, config: FlatConfig, state: TargetState, epoch: number): Promise<void> {
    await this.connectors.store.writeConnector(name, config, state, epoch);
    this.checkStill(name, epoch);
  }

  /** If another gateway owns the name by now, its claim may be before what was written. */
  private checkStill(name: string, epoch: number): void {
    if (this.connectors.ownership.epochOf(partitionOfConnector(name)) !== epoch) throw rebalancing();
  }

  private inTurn<T>(name: string, step: (epoch: number) => Promise<T>): Promise<T> {
    const before = this.queues.get(name) ?? Promise.resolve();
    const turn = before.catch(() => {}).then(() => step(this.epochOf(name)));
    this.queues.set(name, turn);
    const over = () => {
      if (this.queues.get(name) === turn) this.queues.delete(name);
    };
    turn.then(over, over);
    return turn;
  }

  private epochOf(name: string): number {
    const { ownership, notReadyReason, options } = this.connectors;
    if (notReadyReason !== undefined) throw new ConnectRefusal(503, notReadyReason);
    const partition = partitionOfConnector(name);
    const epoch = ownership.epochOf(partition);
    if (!ownership.isRebalancing && ownership.isAlive && ownership.isOurs(partition) && epoch !== undefined)
      return epoch;
    const owner = ownership.isRebalancing ? undefined : ownership.ownerOf(partition);
    throw owner === undefined || owner.id === options.me.id ? rebalancing() : new BelongsElsewhere(owner);
  }
}

/** Connect's message for a class that does not exist. */
export function noSuchClass(type: string): string {
  const all = plugins.flatMap(({ classes }) => classes).join(', ');
  return `Failed to find any class that implements Connector and which name matches ${quoteValue(type)}, available connectors are: ${all}`;
}

function sourceOffset({ partition, offset }: OffsetChange) {
  if (partition === null) throw new ConnectRefusal(400, 'Partition objects cannot be null');
  if (typeof partition.url !== 'string')
    throw new ConnectRefusal(
      400,
      'The partition of a source offset has the key "url", as the offsets of the connector show it',
    );
  if (offset !== null && !('cursor' in offset))
    throw new ConnectRefusal(400, 'A source offset has the key "cursor", or is null to begin anew');
  return { partition, offset };
}
