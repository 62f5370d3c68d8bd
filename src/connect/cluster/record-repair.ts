import { guarded } from '../../actors/lifecycle.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ConfigChange } from './config-table.ts';
import type { Ownership } from './ownership.ts';
import type { ConnectStore } from './store.ts';
import { partitionOfConnector } from './topics.ts';

export interface RecordRepairOptions {
  readonly store: ConnectStore;
  readonly ownership: Ownership;
  readonly logger: Logger;
}

/**
 * Writes records of connectors that this gateway owns once more: those that a former owner has overwritten, and those whose
 * secrets are not encrypted as connect.secret_key says.
 */
export class RecordRepair {
  private readonly options: RecordRepairOptions;

  constructor(options: RecordRepairOptions) {
    this.options = options;
    options.store.changes$.subscribe(guarded((change) => this.follow(change), options.logger));
  }

  private follow(change: ConfigChange): void {
    const { stale, outdated } = this.options.store.configs;
    if (change.type === 'stale') this.restore(change.name);
    if (change.type !== 'claim') return;
    const isMeant = (name: string) => partitionOfConnector(name) === change.partition;
    for (const name of [...stale].filter(isMeant)) this.restore(name);
    for (const name of [...outdated].filter(isMeant)) this.encryptAgain(name);
  }

  private restore(name: string): void {
    const { store, logger } = this.options;
    const epoch = this.epochOfOurs(name);
    if (epoch === undefined) return;
    logger.warn(
      { connector: name },
      `a gateway that does not own the connector ${name} any more wrote about it; what it wrote is replaced`,
    );
    store.rewrite(name, epoch);
  }

  /** Secrets are in the clear, or under a key that is about to be removed. */
  private encryptAgain(name: string): void {
    const { store, logger } = this.options;
    const epoch = this.epochOfOurs(name);
    if (epoch === undefined) return;
    logger.info(
      { connector: name },
      `the secrets of the connector ${name} are written again, encrypted with the first key of connect.secret_key`,
    );
    store.rewrite(name, epoch);
  }

  /** The claim by which a connector is ours; undefined if it is not. */
  private epochOfOurs(name: string): number | undefined {
    const { ownership } = this.options;
    const partition = partitionOfConnector(name);
    return ownership.isOurs(partition) ? ownership.epochOf(partition) : undefined;
  }
}
