import { createActor, setup } from 'xstate';
import type { LinkState, Log } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { startActor, tell } from '../lifecycle.ts';

/** Whether the log can be reached. The driver decides when it is down, and does not flap. */
export const logLinkMachine = setup({
  types: {
    events: {} as { type: 'UP' } | { type: 'DOWN' } | { type: 'CLOSE' },
  },
}).createMachine({
  id: 'log-link',
  initial: 'connecting',
  on: { CLOSE: '.closed' },
  states: {
    connecting: { on: { UP: 'up', DOWN: 'down' } },
    up: { on: { DOWN: 'down' } },
    down: { on: { UP: 'up' } },
    closed: { type: 'final' },
  },
});

/** Follows the state of the log's connection, and says when it changes. */
export class LogLink {
  readonly actor;
  private reason = 'connecting';
  private readonly logger: Logger;
  private readonly driver: string;

  constructor(log: Log, logger: Logger) {
    this.logger = logger;
    this.driver = log.driver;
    this.actor = startActor(createActor(logLinkMachine), 'log-link', logger);
    log.link$.subscribe({
      next: (state) => this.follow(state),
      error: (error) => logger.error({ error }, 'the state of the log is not known any more'),
    });
  }

  get isUp(): boolean {
    return this.actor.getSnapshot().matches('up');
  }

  /** Why the log is not up. */
  get downReason(): string {
    return this.reason;
  }

  close(): void {
    tell(this.actor, { type: 'CLOSE' });
  }

  private follow(state: LinkState): void {
    if (this.actor.getSnapshot().status !== 'active') return;
    const wasUp = this.isUp;
    if (state.state === 'up') {
      tell(this.actor, { type: 'UP' });
      if (!wasUp) this.logger.info({ driver: this.driver }, `the log is up (${this.driver})`);
    } else if (state.state === 'down') {
      const isNews = wasUp || this.reason === 'connecting';
      this.reason = state.reason;
      tell(this.actor, { type: 'DOWN' });
      if (isNews)
        this.logger.warn(
          { driver: this.driver },
          `the log is not available, trying again until it is: ${state.reason}`,
        );
    }
  }
}
