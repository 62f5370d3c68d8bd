import type { Observable } from 'rxjs';
import type { ConnectorDescription, ErrorHandling, TaskDescription } from '../../config/connect/index.ts';
import type { Clock } from '../../core/clock.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { CursorStore } from '../dialer/cursor-store.ts';
import type { Lease } from './lease.ts';
import type { Ownership } from './ownership.ts';
import type { RunObserver } from './runner.ts';
import { SourceOffsets } from './source-offsets.ts';
import type { ConnectStore } from './store.ts';
import { partitionOfTask } from './topics.ts';

/** A task that is to run now, with all that it needs. */
export interface TaskOrder {
  /** Its name in figures and logs. */
  readonly path: string;
  readonly type: 'source' | 'sink';
  readonly description: TaskDescription;
  readonly errors: ErrorHandling;
  readonly lease: Lease;
  readonly cursors: CursorStore;
  /** Its figures, which end with it. */
  readonly stats: Stats;
  /** It writes to this topic, or reads from it. */
  readonly uses: (topic: string) => void;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
}

/** What a task leans on. */
interface Surroundings {
  readonly store: ConnectStore;
  readonly ownership: () => Ownership;
  readonly clock: Clock;
  readonly stats: Stats;
  /** Emits whenever the lease may have changed. */
  readonly leaseMoved$: Observable<void>;
}

/** All that a task of a connector is run with; who runs it adds whom it tells and how it is stopped. */
export function taskOrder(
  { name, plugin, tasks, errors }: ConnectorDescription,
  task: number,
  { store, ownership, clock, stats, leaseMoved$ }: Surroundings,
): Omit<TaskOrder, 'observer' | 'signal'> {
  const description = tasks[task] as TaskDescription; // the task is one of those
  const path = `connectors.${name}/${task}`;
  const epoch = () => ownership().epochOf(partitionOfTask(name, task));
  // Claims of two tasks say nothing of which is later; a change of settings may have dealt a server to another task.
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
        return epoch() !== undefined && ownership().isAlive;
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
