import type { Message } from '../../core/message.ts';
import { isCount, objectOf } from '../../tables/record-value.ts';

/*
 * The topic of statuses. Keys as in Connect:
 *
 *   status-connector-NAME              {"state", "trace", "worker_id", "version", "generation"}
 *   status-task-NAME-TASK              the same
 *   status-topic-TOPIC:connector-NAME  {"topic"}    the connector has used that topic
 */

export type RunState = 'UNASSIGNED' | 'RUNNING' | 'PAUSED' | 'STOPPED' | 'FAILED' | 'RESTARTING';

const STATES: readonly string[] = ['UNASSIGNED', 'RUNNING', 'PAUSED', 'STOPPED', 'FAILED', 'RESTARTING'];

/** The state of a connector or a task. */
export interface Status {
  readonly state: RunState;
  /** Host and port of the gateway that runs it. */
  readonly worker_id: string;
  /** Of the software that runs it. */
  readonly version: string;
  /** The reason, as text. */
  readonly trace?: string;
  /** Epoch of the claim under which it was written. */
  readonly generation: number;
}

export function connectorStatusKey(name: string): string {
  return `status-connector-${name}`;
}

export function taskStatusKey(name: string, task: number): string {
  return `status-task-${name}-${task}`;
}

export function topicStatusKey(name: string, topic: string): string {
  return `status-topic-${topic}:connector-${name}`;
}

/** The newest status of everything. What a gateway writes too late, under an older claim, is ignored. */
export class StatusTable {
  private readonly statuses = new Map<string, Status>();
  /** Topics by connector. */
  private readonly topics = new Map<string, Set<string>>();

  apply(message: Message): void {
    const key = message.key?.toString() ?? '';
    const isGone = message.meta.tombstone === true;
    const used = /^status-topic-([^:]*):connector-([\s\S]*)$/.exec(key);
    if (used !== null) this.use(used[2] as string, used[1] as string, !isGone);
    else if (isGone) this.statuses.delete(key);
    else this.take(key, readStatus(message));
  }

  clear(): void {
    this.statuses.clear();
    this.topics.clear();
  }

  connector(name: string): Status | undefined {
    return this.statuses.get(connectorStatusKey(name));
  }

  task(name: string, task: number): Status | undefined {
    return this.statuses.get(taskStatusKey(name, task));
  }

  topicsOf(name: string): string[] {
    return [...(this.topics.get(name) ?? [])].sort();
  }

  hasUsed(name: string, topic: string): boolean {
    return this.topics.get(name)?.has(topic) === true;
  }

  /** Tasks of a connector that have a status. */
  tasksOf(name: string): number[] {
    const prefix = taskStatusKey(name, 0).slice(0, -1);
    return [...this.statuses.keys()]
      .filter((key) => key.startsWith(prefix) && /^\d+$/.test(key.slice(prefix.length)))
      .map((key) => Number(key.slice(prefix.length)));
  }

  /** Keys of everything that is known of a connector. */
  keysOf(name: string): string[] {
    return [
      ...(this.connector(name) === undefined ? [] : [connectorStatusKey(name)]),
      ...this.tasksOf(name).map((task) => taskStatusKey(name, task)),
      ...this.topicsOf(name).map((topic) => topicStatusKey(name, topic)),
    ];
  }

  private take(key: string, status: Status | undefined): void {
    const before = this.statuses.get(key);
    if (status === undefined || (before !== undefined && before.generation > status.generation)) return;
    this.statuses.set(key, status);
  }

  private use(name: string, topic: string, isUsed: boolean): void {
    const topics = this.topics.get(name) ?? new Set();
    if (isUsed) topics.add(topic);
    else topics.delete(topic);
    if (topics.size === 0) this.topics.delete(name);
    else this.topics.set(name, topics);
  }
}

function readStatus(message: Message): Status | undefined {
  const { state, trace, worker_id, version, generation } = objectOf(message) ?? {};
  if (!STATES.includes(state as string) || typeof worker_id !== 'string' || !isCount(generation)) return undefined;
  return {
    state: state as RunState,
    worker_id,
    version: String(version),
    ...(typeof trace === 'string' ? { trace } : {}),
    generation,
  };
}
