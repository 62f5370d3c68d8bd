import type { Clock } from '../../core/clock.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Propagation } from '../../core/propagation.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import { makeReadable } from './file/before-opening.ts';
import { type DataDirectory, openDirectory, temporaryDirectory } from './file/directory.ts';
import { requireSpace } from './file/disk-space.ts';
import { Environment } from './file/environment.ts';
import { mark } from './file/log-marker.ts';
import { Coordinators } from './group/coordinators.ts';
import { Maintenance } from './records/maintenance.ts';
import { Records } from './records/records.ts';
import { Store } from './records/store.ts';
import type { PartitionState } from './records/topic-state.ts';
import type { EmbeddedSettings } from './schema.ts';
import type { Storage } from './storage.ts';

export interface DiskStorageParts {
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
  readonly propagation?: Propagation | undefined;
}

/** LMDB in a directory that this process owns, or in a temporary one. */
export class DiskStorage implements Storage {
  readonly coordinators: Coordinators;
  private readonly settings: EmbeddedSettings;
  private readonly parts: DiskStorageParts;
  private maintenance: Maintenance | undefined;
  private directory: DataDirectory | undefined;
  private opened: Store | undefined;

  constructor(settings: EmbeddedSettings, parts: DiskStorageParts) {
    this.settings = settings;
    this.parts = parts;
    this.coordinators = new Coordinators(this.store, parts.stats);
  }

  async open(): Promise<void> {
    const { memory, path } = this.settings;
    this.directory = memory ? await temporaryDirectory() : await openDirectory(path);
    try {
      requireSpace(this.directory.path);
      if (!memory) makeReadable(this.directory.path, this.parts.logger);
      this.opened = storeIn(this.directory.path, !memory, this.parts.propagation);
      if (!memory) mark(this.directory.path);
      await this.opened.removeOrphans();
    } catch (error) {
      await this.directory.release();
      throw asTidegateError(error, 'TG_DATA_DIR_UNUSABLE', `the log in ${this.directory.path} cannot be opened`);
    }
    this.maintenance = new Maintenance(this.opened, { ...this.parts, ...this.settings });
  }

  async close(): Promise<void> {
    const { opened, directory } = this;
    if (opened === undefined) return;
    await this.maintenance?.stop();
    this.opened = undefined;
    this.coordinators.clear();
    await opened.close();
    await directory?.release();
  }

  readonly store = (): Store => {
    if (this.opened !== undefined) return this.opened;
    throw new TidegateError('TG_LOG_UNAVAILABLE', 'the embedded log is not open');
  };

  readonly reach = this.store;

  grew(partition: PartitionState): void {
    this.maintenance?.grew(partition);
  }

  /** Runs retention and compaction now, whatever their own pace would be. */
  async maintain(): Promise<void> {
    await this.maintenance?.run(true);
  }
}

/** The log in a directory. `durable: false` leaves out the fsync, for a log that ends with the process anyway. */
export function storeIn(directory: string, durable: boolean, propagation?: Propagation): Store {
  const environment = new Environment(directory, durable);
  return new Store(environment, new Records(environment, propagation));
}
