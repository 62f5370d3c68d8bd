import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { RemoteFigures } from './figures.ts';

/** Milliseconds. */
const INTERVAL = 30_000;

/** How one connection fares. */
export interface ConnectionStatus {
  /** The URL as it may be shown. */
  readonly name: string;
  /** Of its machine; `closed` where there is none. */
  readonly state: string;
  /** Why it is not live, where that is known. */
  readonly trouble: string | undefined;
  readonly figures: RemoteFigures;
}

export interface StatusLineOptions {
  readonly path: string;
  readonly channels: readonly ConnectionStatus[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Says how connections fare, every 30 s. */
export class StatusLine {
  private readonly options: StatusLineOptions;
  private cancel: (() => void) | undefined;

  constructor(options: StatusLineOptions) {
    this.options = options;
  }

  start(): void {
    this.cancel = this.options.clock.after(INTERVAL, () => {
      this.say();
      this.start();
    });
  }

  /** With a last line. */
  stop(): void {
    if (this.cancel === undefined) return;
    this.cancel();
    this.cancel = undefined;
    this.say();
  }

  private say(): void {
    const { path, channels, logger } = this.options;
    for (const { name, state, trouble, figures } of channels) {
      const facts = {
        url: name,
        connection: state,
        received: figures.received.value,
        produced: figures.settled.value,
        sent: figures.sent.value,
        dropped: figures.droppedSoFar,
        reconnects: figures.reconnects.value,
      };
      logger.info(
        facts,
        `${path}: ${name} is ${state}${trouble === undefined ? '' : ` (${trouble})`}, ${facts.received} received, ${facts.produced} produced, ${facts.sent} sent, ${facts.dropped} dropped, ${facts.reconnects} reconnects`,
      );
    }
  }
}
