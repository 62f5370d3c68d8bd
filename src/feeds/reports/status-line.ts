import type { ComponentContext } from '../../sdk/context.ts';
import type { RemoteMetrics } from './metrics.ts';

/** Milliseconds. */
const INTERVAL = 30_000;

/** The state of one connection. */
export interface ConnectionStatus {
  /** The URL as it may be shown. */
  readonly name: string;
  /** The state of the machine; `closed` if there is none. */
  readonly state: string;
  /** The state of the connection that is to replace it, if there is one. */
  readonly nextState: string | undefined;
  /** Why one of them is not live, if that is known. */
  readonly notLiveReason: string | undefined;
  readonly metrics: RemoteMetrics;
}

type StatusContext = Pick<ComponentContext, 'path' | 'clock' | 'logger'>;

/** Logs the state of connections every 30 s. */
export class StatusLine {
  private readonly connections: readonly ConnectionStatus[];
  private readonly context: StatusContext;
  private cancel: (() => void) | undefined;

  constructor(connections: readonly ConnectionStatus[], context: StatusContext) {
    this.connections = connections;
    this.context = context;
  }

  start(): void {
    this.cancel = this.context.clock.after(INTERVAL, () => {
      this.log();
      this.start();
    });
  }

  /** Logs a last time. */
  stop(): void {
    if (this.cancel === undefined) return;
    this.cancel();
    this.cancel = undefined;
    this.log();
  }

  private log(): void {
    const { path, logger } = this.context;
    for (const { name, state, nextState, notLiveReason, metrics } of this.connections) {
      const next = nextState === undefined ? '' : `, and the connection that is to replace it is ${nextState}`;
      const facts = {
        url: name,
        connection: state,
        received: metrics.received.value,
        produced: metrics.settled.value,
        sent: metrics.sent.value,
        dropped: metrics.totalDropped,
        reconnects: metrics.reconnects.value,
      };
      logger.info(
        facts,
        `${path}: ${name} is ${state}${next}${notLiveReason === undefined ? '' : ` (${notLiveReason})`}, ${facts.received} received, ${facts.produced} produced, ${facts.sent} sent, ${facts.dropped} dropped, ${facts.reconnects} reconnects`,
      );
    }
  }
}
