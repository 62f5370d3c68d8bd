import type { Ownership } from './ownership.ts';
import { connectorStatusKey, type RunState } from './status-table.ts';
import type { ConnectStore } from './store.ts';
import { partitionOfConnector } from './topics.ts';

/** Characters of a trace; a log refuses records that are too large. */
const MAX_TRACE = 32_768;

export interface StatusReportsOptions {
  readonly store: Pick<ConnectStore, 'putStatus'>;
  readonly ownership: Pick<Ownership, 'epochOf'>;
  /** Name of this gateway in statuses, `host:port`, and the version of its software. */
  readonly workerId: () => string;
  readonly version: string;
}

/** Writes the statuses of what runs here, each under the claim by which it does. */
export class StatusReports {
  private readonly options: StatusReportsOptions;
  /** Connectors that were reported as stopped, with the claim under which they were. */
  private readonly stopped = new Map<string, number | undefined>();

  constructor(options: StatusReportsOptions) {
    this.options = options;
  }

  /** Does nothing if another gateway has claimed the partition. */
  report(key: string, partition: number, state: RunState, trace?: string): void {
    const { store, ownership, workerId, version } = this.options;
    const generation = ownership.epochOf(partition);
    if (generation === undefined) return;
    store.putStatus(key, {
      state,
      worker_id: workerId(),
      version,
      ...(trace === undefined ? {} : { trace: trace.slice(0, MAX_TRACE) }),
      generation,
    });
  }

  remove(key: string): void {
    this.options.store.putStatus(key, null);
  }

  /** Reports a stopped connector, once under each claim: nothing runs that could. */
  reportStopped(name: string): void {
    const partition = partitionOfConnector(name);
    const epoch = this.options.ownership.epochOf(partition);
    if (this.stopped.get(name) === epoch) return;
    this.stopped.set(name, epoch);
    this.report(connectorStatusKey(name), partition, 'STOPPED');
  }

  /** The connector is not stopped any more, or does not exist. */
  forgetStopped(name: string): void {
    this.stopped.delete(name);
  }

  /** What was reported is lost. */
  forgetAll(): void {
    this.stopped.clear();
  }
}
