import type { FlatConfig } from '../../config/connect/index.ts';
import { type Headers, lastHeader } from '../../core/headers.ts';
import type { Message } from '../../core/message.ts';

/*
 * The topic of configs, one partition. Keys are text, values small JSON, or none for a tombstone.
 *
 *   connector-NAME            {"config", "state", "epoch"}          a connector, with "dealt" where it is paused and has tasks: the
 *                                                                  settings that they have, or true for those of "config";
 *                                                                  or {"deleted": true, "epoch"}
 *   restart-connector-NAME    {"connector", "tasks", "epoch"}       restart these now; means nothing to who reads it later
 *   claim-PARTITION           {"worker", "url", "generation"}       a gateway holds that part of the work; {"released": true} no more
 *   session-key               {"key"}                               by which gateways know each other's calls
 *   logger-cluster-NAME       {"level"}                             the level of a logger on all gateways
 *
 * An epoch is the offset of the claim under which something was written. A tombstone of a connector has it as a header.
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
  readonly config: FlatConfig;
  readonly state: TargetState;
  /** The settings that its tasks have: those by which it ran last, and was not stopped since. undefined: it has no tasks. */
  readonly dealt: FlatConfig | undefined;
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
  readonly key: string;
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
  /** undefined where somebody else wrote it, such as a person. */
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
  { config, state, dealt }: Omit<ConnectorRecord, 'type' | 'name' | 'epoch'>,
  epoch: number,
) {
  if (state !== 'PAUSED' || dealt === undefined) return { config, state, epoch };
  return { config, state, dealt: isSameConfig(dealt, config) ? true : dealt, epoch };
}

export function isSameConfig(one: FlatConfig, other: FlatConfig): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
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

/** What a tombstone of a connector says beside its key. */
export function epochHeader(epoch: number): Headers {
  return [[EPOCH_HEADER, String(epoch)]];
}

function epochOf({ headers }: Message): number | undefined {
  const epoch = Number(lastHeader(headers, EPOCH_HEADER) ?? Number.NaN);
  return isCount(epoch) ? epoch : undefined;
}

/** undefined for a record that none of us can have written. */
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
    [SESSION_KEY, (_name, { key }) => (typeof key === 'string' ? { type: 'session-key', key } : undefined)],
    [
      'logger-cluster-',
      (logger, { level }) => (typeof level === 'string' ? { type: 'level', logger, level } : undefined),
    ],
  ];

function connector(
  name: string,
  { config, state, dealt, epoch, deleted }: Fields,
): ConnectorRecord | DeletionRecord | undefined {
  if (!isCount(epoch)) return undefined;
  if (deleted === true) return { type: 'deletion', name, epoch };
  if (!isFlatConfig(config) || !isTargetState(state)) return undefined;
  return { type: 'connector', name, config, state, dealt: dealtOf(state, config, dealt), epoch };
}

function dealtOf(state: TargetState, config: FlatConfig, dealt: unknown): FlatConfig | undefined {
  if (state === 'RUNNING') return config;
  if (state === 'STOPPED') return undefined;
  return dealt === true ? config : isFlatConfig(dealt) ? dealt : undefined;
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

/** A record's value as an object, or undefined where it is none. */
export function objectOf(message: Message): Fields | undefined {
  try {
    const value = message.plainJson;
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isTargetState(value: unknown): value is TargetState {
  return value === 'RUNNING' || value === 'PAUSED' || value === 'STOPPED';
}

function isFlatConfig(value: unknown): value is FlatConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) => each === null || typeof each === 'string');
}
