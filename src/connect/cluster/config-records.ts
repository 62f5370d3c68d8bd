import { type Headers, lastHeader } from '../../core/headers.ts';
import type { Message } from '../../core/message.ts';
import { isCount, objectOf } from '../../tables/record-value.ts';
import { isSealed, type Sealed } from './cipher.ts';
import type { StoredConfig } from './config-seal.ts';

/*
 * The topic of configs, one partition. Keys are text, values small JSON, or none for a tombstone.
 *
 *   connector-NAME            {"config", "state", "epoch"}          a connector, with "dealt" where it is paused and has tasks: the
 *                                                                  settings that they have, or true for those of "config";
 *                                                                  or {"deleted": true, "epoch"}
 *   restart-connector-NAME    {"connector", "tasks", "epoch"}       restart these now; ignored by gateways that read it later
 *   claim-PARTITION           {"worker", "url", "generation"}       a gateway holds that part of the work; {"released": true}: no more
 *   session-key               {"key"}                               signs the calls between gateways
 *   logger-cluster-NAME       {"level"}                             the level of a logger on all gateways
 *
 * An epoch is the offset of the claim under which something was written. A tombstone of a connector has it as a header.
 * The settings of a connector and of its tasks, and "key", may be {"encrypted": "KEY:DATA"} in place of a text: see cipher.ts.
 */

export type TargetState = 'RUNNING' | 'PAUSED' | 'STOPPED';

/** A gateway that takes part. */
export interface Worker {
  readonly id: string;
  /** Where the others reach its REST API, such as http://host:8083. */
  readonly url: string;
}

export interface ConnectorRecord {
  readonly type: 'connector';
  readonly name: string;
  readonly config: StoredConfig;
  readonly state: TargetState;
  /**
   * The settings of its tasks: those with which it ran last and was not stopped since; `config` itself if these are the same.
   * undefined: it has no tasks.
   */
  readonly taskConfig: StoredConfig | undefined;
  readonly epoch: number;
}

export interface DeletionRecord {
  readonly type: 'deletion';
  readonly name: string;
  readonly epoch: number;
}

export interface RestartRecord {
  readonly type: 'restart';
  readonly name: string;
  readonly connector: boolean;
  readonly tasks: readonly number[];
  readonly epoch: number;
}

export interface ClaimRecord {
  readonly type: 'claim';
  readonly partition: number;
  readonly worker: Worker;
  /** Of the group, when it was claimed. */
  readonly generation: number;
  readonly isReleased: boolean;
}

export interface SessionKeyRecord {
  readonly type: 'session-key';
  readonly key: string | Sealed;
}

export interface LevelRecord {
  readonly type: 'level';
  readonly logger: string;
  readonly level: string;
}

/** A deletion, swept up. */
export interface GoneRecord {
  readonly type: 'gone';
  readonly name: string;
  /** undefined if no gateway wrote it, but an operator for example. */
  readonly epoch: number | undefined;
}

export type ConfigRecord =
  | ConnectorRecord
  | DeletionRecord
  | RestartRecord
  | ClaimRecord
  | SessionKeyRecord
  | LevelRecord
  | GoneRecord;

const EPOCH_HEADER = 'epoch';

export const SESSION_KEY = 'session-key';

export function connectorKey(name: string): string {
  return `connector-${name}`;
}

export function connectorValue(
  { config, state, taskConfig }: Omit<ConnectorRecord, 'type' | 'name' | 'epoch'>,
  epoch: number,
) {
  if (state !== 'PAUSED' || taskConfig === undefined) return { config, state, epoch };
  return { config, state, dealt: taskConfig === config ? true : taskConfig, epoch };
}

export function restartKey(name: string): string {
  return `restart-connector-${name}`;
}

export function claimKey(partition: number): string {
  return `claim-${partition}`;
}

export function levelKey(logger: string): string {
  return `logger-cluster-${logger}`;
}

/** The headers of a connector's tombstone. */
export function epochHeader(epoch: number): Headers {
  return [[EPOCH_HEADER, String(epoch)]];
}

function epochOf({ headers }: Message): number | undefined {
  const epoch = Number(lastHeader(headers, EPOCH_HEADER) ?? Number.NaN);
  return isCount(epoch) ? epoch : undefined;
}

/** undefined for a record that no gateway can have written. */
export function readConfigRecord(message: Message): ConfigRecord | undefined {
  const key = message.key?.toString() ?? '';
  const value = message.meta.tombstone === true ? undefined : objectOf(message);
  const isTombstone = message.meta.tombstone === true;
  for (const [prefix, read] of READERS) {
    if (!key.startsWith(prefix)) continue;
    const name = key.slice(prefix.length);
    if (isTombstone) return prefix === 'connector-' ? { type: 'gone', name, epoch: epochOf(message) } : undefined;
    return value === undefined ? undefined : read(name, value);
  }
  return undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const READERS: readonly (readonly [prefix: string, read: (name: string, value: Fields) => ConfigRecord | undefined])[] =
  [
    ['connector-', connector],
    ['restart-connector-', restart],
    ['claim-', claim],
    [
      SESSION_KEY,
      (_name, { key }) => (typeof key === 'string' || isSealed(key) ? { type: 'session-key', key } : undefined),
    ],
    [
      'logger-cluster-',
      (logger, { level }) => (typeof level === 'string' ? { type: 'level', logger, level } : undefined),
    ],
  ];

function connector(
  name: string,
  { config, state, dealt: taskSettings, epoch, deleted }: Fields,
): ConnectorRecord | DeletionRecord | undefined {
  if (!isCount(epoch)) return undefined;
  if (deleted === true) return { type: 'deletion', name, epoch };
  if (!isStoredConfig(config) || !isTargetState(state)) return undefined;
  return { type: 'connector', name, config, state, taskConfig: taskConfigOf(state, config, taskSettings), epoch };
}

function taskConfigOf(state: TargetState, config: StoredConfig, taskSettings: unknown): StoredConfig | undefined {
  if (state === 'RUNNING') return config;
  if (state === 'STOPPED') return undefined;
  return taskSettings === true ? config : isStoredConfig(taskSettings) ? taskSettings : undefined;
}

function restart(name: string, { connector, tasks, epoch }: Fields): RestartRecord | undefined {
  if (!isCount(epoch) || !Array.isArray(tasks) || !tasks.every(isCount)) return undefined;
  return { type: 'restart', name, connector: connector === true, tasks, epoch };
}

function claim(name: string, { worker, url, generation, released }: Fields): ClaimRecord | undefined {
  const partition = Number(name);
  if (!isCount(partition) || typeof worker !== 'string' || typeof url !== 'string') return undefined;
  return {
    type: 'claim',
    partition,
    worker: { id: worker, url },
    generation: Number(generation),
    isReleased: released === true,
  };
}

export function isTargetState(value: unknown): value is TargetState {
  return value === 'RUNNING' || value === 'PAUSED' || value === 'STOPPED';
}

function isStoredConfig(value: unknown): value is StoredConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) => each === null || typeof each === 'string' || isSealed(each));
}
