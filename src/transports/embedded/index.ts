import { DiskStorage, type DiskStorageParts } from './disk-storage.ts';
import { type EmbeddedSettings, embeddedSchema } from './schema.ts';
import { StorageLog } from './storage-log.ts';

export interface EmbeddedLogOptions extends Partial<EmbeddedSettings>, DiskStorageParts {}

/** A log of the gateway's own: in `path`, or in memory where that is left out or `memory` is true. */
export function createEmbeddedLog(options: EmbeddedLogOptions): EmbeddedLog {
  return new EmbeddedLog(options);
}

/** The log port on LMDB: topics of this process alone, on disk or in memory. */
class EmbeddedLog extends StorageLog {
  private readonly disk: DiskStorage;

  constructor(options: EmbeddedLogOptions) {
    const { path, memory = path === undefined, retention_bytes, retention_time, max_record } = options;
    const given = { memory, path, retention_bytes, retention_time, max_record };
    const defaults = embeddedSchema.parse({});
    const settings = { ...defaults, ...withoutUndefined(given) };
    const { logger, stats, clock, propagation } = options;
    const disk = new DiskStorage(settings, { logger, stats, clock, propagation });
    super('embedded', disk, { logger, stats, clock, propagation, maxRecord: settings.max_record });
    this.disk = disk;
  }

  /** Runs retention and compaction now, whatever their own pace would be. */
  maintain(): Promise<void> {
    return this.disk.maintain();
  }
}

export type { EmbeddedLog };

function withoutUndefined<T extends object>(settings: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
