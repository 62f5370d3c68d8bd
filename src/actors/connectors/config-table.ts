import type { FlatConfig } from '../../config/connect/index.ts';
import type { Message } from '../../core/message.ts';
import {
  type ClaimRecord,
  type ConfigRecord,
  type ConnectorRecord,
  type DeletionRecord,
  type GoneRecord,
  isSameConfig,
  type RestartRecord,
  readConfigRecord,
  type TargetState,
  type Worker,
} from './config-records.ts';
import { partitionOfConnector } from './topics.ts';

/** A connector as all gateways see it. */
export interface ConnectorEntry {
  readonly name: string;
  readonly config: FlatConfig;
  readonly state: TargetState;
  /** Offset of the record by which its config changed last. */
  readonly version: number;
  /** What its tasks have; undefined where it has none. As in Connect what changes while it is paused reaches them when it goes on. */
  readonly dealt: Dealt | undefined;
  /** Offset of its last record. */
  readonly writtenAt: number;
}

/** Settings that tasks were made of. */
export interface Dealt {
  readonly config: FlatConfig;
  /** Offset of the record by which these came. */
  readonly version: number;
}

/** Who holds a partition of the work. */
export interface Claim {
  readonly worker: Worker;
  /** Offset of the claim or release: later ones have larger ones, whatever became of the group. */
  readonly epoch: number;
  readonly generation: number;
  readonly isReleased: boolean;
}

/** What a record has changed. */
export type ConfigChange =
  | { readonly type: 'connector'; readonly name: string }
  /** The name has no connector any more. */
  | { readonly type: 'deleted'; readonly name: string }
  | { readonly type: 'claim'; readonly partition: number }
  | { readonly type: 'restart'; readonly restart: RestartRecord }
  | { readonly type: 'session-key' }
  | { readonly type: 'level'; readonly logger: string; readonly level: string }
  /** The topic is another one: nothing of what was known holds, and no claim. */
  | { readonly type: 'reset' }
  /** Somebody wrote who did not hold the name any more: it counts for nothing, and the holder writes its own again. */
  | { readonly type: 'stale'; readonly name: string };

/**
 * The topic of configs, applied record by record: the same for every gateway, as all of them read it in the same order.
 * A record counts only if nobody claimed its name since the claim under which it was written.
 */
export class ConfigTable {
  readonly connectors = new Map<string, ConnectorEntry>();
  readonly claims = new Map<number, Claim>();
  /** Connectors whose newest record counts for nothing, so that who reads only that one would take it for true. */
  readonly stale = new Set<string>();
  sessionKey: string | undefined;

  apply(message: Message): ConfigChange | undefined {
    const record = readConfigRecord(message);
    return record === undefined ? undefined : this.take(record, message.offset);
  }

  /** Forgets everything. */
  clear(): void {
    this.connectors.clear();
    this.claims.clear();
    this.stale.clear();
    this.sessionKey = undefined;
  }

  private take(record: ConfigRecord, offset: number): ConfigChange | undefined {
    switch (record.type) {
      case 'connector':
        return this.connector(record, offset);
      case 'deletion':
        return this.deletion(record);
      case 'gone':
        return this.gone(record);
      case 'claim':
        return this.claim(record, offset);
      case 'restart':
        return this.isStale(record) ? undefined : { type: 'restart', restart: record };
      case 'session-key':
        this.sessionKey = record.key;
        return { type: 'session-key' };
      case 'level':
        return record;
    }
  }

  private connector(record: ConnectorRecord, offset: number): ConfigChange {
    const { name, state } = record;
    if (this.isStale(record)) return this.refuse(name);
    this.stale.delete(name);
    const before = this.connectors.get(name);
    const { config, version } = sameOr(before, record.config, offset);
    const dealt = record.dealt === undefined ? undefined : sameOr(before?.dealt, record.dealt, offset);
    this.connectors.set(name, { name, config, state, version, dealt, writtenAt: offset });
    return { type: 'connector', name };
  }

  private deletion(record: DeletionRecord): ConfigChange {
    const { name } = record;
    if (this.isStale(record)) return this.refuse(name);
    this.stale.delete(name);
    this.connectors.delete(name);
    return { type: 'deleted', name };
  }

  private gone({ name, epoch }: GoneRecord): ConfigChange | undefined {
    if (epoch !== undefined && this.isStale({ name, epoch })) return this.refuse(name);
    this.stale.delete(name);
    return this.connectors.delete(name) ? { type: 'deleted', name } : undefined;
  }

  private refuse(name: string): ConfigChange {
    this.stale.add(name);
    return { type: 'stale', name };
  }

  private claim({ partition, worker, generation, isReleased }: ClaimRecord, offset: number): ConfigChange | undefined {
    const before = this.claims.get(partition);
    // Who releases what another has claimed since comes too late.
    if (isReleased && before !== undefined && before.worker.id !== worker.id) return undefined;
    this.claims.set(partition, { worker, epoch: offset, generation, isReleased });
    return { type: 'claim', partition };
  }

  /** What is older than the claims that we know was decided upon by those who wrote them, so it counts. */
  private isStale({ name, epoch }: { readonly name: string; readonly epoch: number }): boolean {
    const claim = this.claims.get(partitionOfConnector(name));
    return claim !== undefined && epoch < claim.epoch;
  }
}

/** The settings as they were, where they still are: whoever has looked at that object knows of these. */
function sameOr(before: Dealt | undefined, config: FlatConfig, offset: number): Dealt {
  return before !== undefined && isSameConfig(before.config, config) ? before : { config, version: offset };
}
