import type { Message } from '../../core/message.ts';
import type { FlatConfig } from '../settings/index.ts';
import { Cipher, type Sealed } from './cipher.ts';
import {
  type ClaimRecord,
  type ConfigRecord,
  type ConnectorRecord,
  type DeletionRecord,
  type GoneRecord,
  type RestartRecord,
  readConfigRecord,
  SESSION_KEY,
  type TargetState,
  type Worker,
} from './config-records.ts';
import { ConfigSeal } from './config-seal.ts';
import { partitionOfConnector } from './topics.ts';

/** A connector as all gateways see it. */
export interface ConnectorEntry {
  readonly name: string;
  readonly config: FlatConfig;
  readonly state: TargetState;
  /** Offset of the record by which its config changed last. */
  readonly version: number;
  /** The settings of its tasks; undefined if it has none. As in Connect, what changes while it is paused reaches its tasks when it is resumed. */
  readonly taskSettings: TaskSettings | undefined;
  /** Offset of its last record. */
  readonly writtenAt: number;
}

/** Settings that tasks run with. */
export interface TaskSettings {
  readonly config: FlatConfig;
  /** Offset of the record that brought them. */
  readonly version: number;
}

/** The gateway that holds a partition of the work. */
export interface Claim {
  readonly worker: Worker;
  /** Offset of the claim or release: a later one is larger, also if the group was created again. */
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
  /** The topic was deleted and created again: nothing that was known is true any more, and no claim counts. */
  | { readonly type: 'reset' }
  /** A gateway wrote that did not own the name any more: that is ignored, and the owner writes its own record again. */
  | { readonly type: 'stale'; readonly name: string };

/**
 * The topic of configs, applied record by record: the same for every gateway, as all of them read it in the same order.
 * A record counts only if its name was not claimed again after the claim under which it was written.
 */
export class ConfigTable {
  readonly connectors = new Map<string, ConnectorEntry>();
  readonly claims = new Map<number, Claim>();
  /** Connectors whose newest record is ignored: a gateway that reads only that one, after compaction, would take it for true. */
  readonly stale = new Set<string>();
  /** Connectors with secrets that are kept in the clear, or under a key that is not the first one any more. */
  readonly outdated = new Set<string>();
  /** Decrypts settings that are read, and keeps what cannot be decrypted. */
  readonly seal: ConfigSeal;
  private readonly cipher: Cipher;
  private keptKey: string | Sealed | undefined;

  constructor(cipher = new Cipher()) {
    this.cipher = cipher;
    this.seal = new ConfigSeal(cipher);
  }

  /** The key that signs calls between gateways; undefined while there is none, or none that can be decrypted. */
  get sessionKey(): string | undefined {
    return this.keptKey === undefined ? undefined : this.cipher.open(this.keptKey, SESSION_KEY);
  }

  /** Whether a new session key has to be written: there is none, or it is not kept as it should be. */
  get isSessionKeyWanted(): boolean {
    return this.keptKey === undefined || (this.sessionKey !== undefined && !this.cipher.isCurrent(this.keptKey));
  }

  /** Why the session key cannot be read here; undefined if it can, or there is none. */
  get unreadableSessionKey(): string | undefined {
    const { keptKey } = this;
    return typeof keptKey === 'object' && this.sessionKey === undefined ? this.cipher.whyNot(keptKey) : undefined;
  }

  apply(message: Message): ConfigChange | undefined {
    const record = readConfigRecord(message);
    return record === undefined ? undefined : this.take(record, message.offset);
  }

  /** Forgets everything. */
  clear(): void {
    this.connectors.clear();
    this.claims.clear();
    this.stale.clear();
    this.outdated.clear();
    this.keptKey = undefined;
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
        this.keptKey = record.key;
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
    const given = this.seal.open(name, record.config);
    const { config, version } = this.sameOr(before, given, offset);
    const { taskConfig } = record;
    const ofTasks = taskConfig === undefined || taskConfig === record.config ? given : this.seal.open(name, taskConfig);
    const taskSettings = taskConfig === undefined ? undefined : this.sameOr(before?.taskSettings, ofTasks, offset);
    this.noteEncryption(record, given, ofTasks);
    this.connectors.set(name, { name, config, state, version, taskSettings, writtenAt: offset });
    return { type: 'connector', name };
  }

  /** `given` and `ofTasks`: the settings of the record and those that its tasks have, decrypted. */
  private noteEncryption(record: ConnectorRecord, given: FlatConfig, ofTasks: FlatConfig): void {
    const { name, config, taskConfig = config } = record;
    const isSame = ofTasks === given;
    if (this.seal.isCurrent(given, config) && (isSame || this.seal.isCurrent(ofTasks, taskConfig)))
      this.outdated.delete(name);
    else this.outdated.add(name);
  }

  /** The same object as before if the settings are the same: they were examined already, and nothing is replaced. */
  private sameOr(before: TaskSettings | undefined, config: FlatConfig, offset: number): TaskSettings {
    return before !== undefined && this.seal.isSame(before.config, config) ? before : { config, version: offset };
  }

  private deletion(record: DeletionRecord): ConfigChange {
    const { name } = record;
    if (this.isStale(record)) return this.refuse(name);
    this.stale.delete(name);
    this.connectors.delete(name);
    this.outdated.delete(name);
    return { type: 'deleted', name };
  }

  private gone({ name, epoch }: GoneRecord): ConfigChange | undefined {
    if (epoch !== undefined && this.isStale({ name, epoch })) return this.refuse(name);
    this.stale.delete(name);
    this.outdated.delete(name);
    return this.connectors.delete(name) ? { type: 'deleted', name } : undefined;
  }

  private refuse(name: string): ConfigChange {
    this.stale.add(name);
    return { type: 'stale', name };
  }

  private claim({ partition, worker, generation, isReleased }: ClaimRecord, offset: number): ConfigChange | undefined {
    const before = this.claims.get(partition);
    // A release comes too late if another gateway has claimed the partition.
    if (isReleased && before !== undefined && before.worker.id !== worker.id) return undefined;
    this.claims.set(partition, { worker, epoch: offset, generation, isReleased });
    return { type: 'claim', partition };
  }

  /** A record without a known claim counts: the gateways that wrote later claims have taken it into account. */
  private isStale({ name, epoch }: { readonly name: string; readonly epoch: number }): boolean {
    const claim = this.claims.get(partitionOfConnector(name));
    return claim !== undefined && epoch < claim.epoch;
  }
}
