import type { Observable } from 'rxjs';
import type { WriteLease } from '../../actors/write-lease.ts';
import type { Clock } from '../../core/clock.ts';
import type { CursorStore } from '../../sdk/context.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { ConnectorDescription, ErrorHandling, TaskDescription } from '../settings/index.ts';
import type { Ownership } from './ownership.ts';
import type { RunObserver } from './runner.ts';
import { SourceOffsets } from './source-offsets.ts';
import type { ConnectStore } from './store.ts';
import { partitionOfTask } from './topics.ts';

/** A task that is to run now, with all that it needs. */
export interface TaskContext {
  /** Its name in metrics and logs. */
  readonly path: string;
  readonly type: 'source' | 'sink';
  readonly description: TaskDescription;
  readonly errors: ErrorHandling;
  readonly lease: WriteLease;
  readonly cursors: CursorStore;
  /** Its metrics, which end with it. */
  readonly stats: Stats;
  /** It writes to this topic, or reads from it. */
  readonly uses: (topic: string) => void;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
}

/** What a task needs of its gateway. */
interface TaskSurroundings {
  readonly store: ConnectStore;
  readonly ownership: Ownership;
  readonly clock: Clock;
  readonly stats: Stats;
  /** Emits when the lease may have changed. */
  readonly leaseMoved$: Observable<void>;
}

/** What a task of a connector runs with, except its observer and the signal that stops it. */
export function taskContext(
  { name, plugin, tasks, errors }: ConnectorDescription,
  task: number,
  { store, ownership, clock, stats, leaseMoved$ }: TaskSurroundings,
): Omit<TaskContext, 'observer' | 'signal'> {
  const description = tasks[task] as TaskDescription; // the task is one of those
  const path = `connectors.${name}/${task}`;
  const epoch = () => ownership.epochOf(partitionOfTask(name, task));
  // The claims of two tasks do not say which is later, and new settings may assign a server to another task.
  const generation = () => {
    const claim = epoch();
    return claim === undefined ? undefined : Math.max(claim, store.configs.connectors.get(name)?.writtenAt ?? 0);
  };
  const share = tasks.length > 1 && description.share !== undefined ? { share: description.share } : {};
  return {
    path,
    type: plugin.type,
    description,
    errors,
    lease: {
      get isHeld() {
        return epoch() !== undefined && ownership.isAlive;
      },
      changed$: leaseMoved$,
    },
    cursors: new SourceOffsets({ store, connector: name, share, prefix: path, generation, clock }),
    stats,
    uses: (topic) => {
      if (!store.statuses.hasUsed(name, topic)) store.putTopic(name, topic);
    },
  };
}
