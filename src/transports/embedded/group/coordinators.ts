import type { Stats } from '../../../telemetry/stats.ts';
import type { Store } from '../records/store.ts';
import { GroupCoordinator } from './coordinator.ts';

/** The consumer groups that have members, or that know more than the store: clients make up names, so no other takes memory. */
export class Coordinators {
  private readonly store: () => Store;
  private readonly stats: Stats;
  private readonly all = new Map<string, GroupCoordinator>();

  /** `store` throws while the log is not open. */
  constructor(store: () => Store, stats: Stats) {
    this.store = store;
    this.stats = stats;
  }

  get size(): number {
    return this.all.size;
  }

  of(group: string): GroupCoordinator {
    const coordinator = this.all.get(group) ?? new GroupCoordinator(group, this.store(), this.stats);
    this.all.set(group, coordinator);
    return coordinator;
  }

  /** For a coordinator that is no longer in use: a member that has not joined yet still uses it. */
  letGo(group: string): void {
    if (this.all.get(group)?.isIdle === true) this.all.delete(group);
  }

  clear(): void {
    this.all.clear();
  }
}
