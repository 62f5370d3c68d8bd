import { asTidegateError } from '../../core/errors.ts';
import type { LinkState, Log } from '../../core/log.ts';
import type { EventHub } from '../../telemetry/events.ts';
import type { Logger } from '../../telemetry/logger.ts';

/** What the link to the log goes through: what may follow on each phase, and why it does. */
export const LINK_PHASES = {
  connecting: { up: 'the log answers', down: 'it does not', closed: 'stop' },
  up: { down: 'the log does not answer', closed: 'stop' },
  down: { up: 'the log answers', closed: 'stop' },
  closed: {},
} as const;

type LinkPhase = keyof typeof LINK_PHASES;

/** Whether the log can be reached. The driver decides when it is down, and does not flap; a change is logged. */
export class LogLink {
  private phase: LinkPhase = 'connecting';
  private reason = 'connecting';
  private readonly logger: Logger;
  private readonly driver: string;
  private readonly events: Pick<EventHub, 'emit'> | undefined;
  private readonly whenUp: (() => void)[] = [];

  constructor(log: Log, logger: Logger, events?: Pick<EventHub, 'emit'>) {
    this.events = events;
    this.logger = logger;
    this.driver = log.driver;
    log.link$.subscribe({
      next: (state) => this.follow(state),
      error: (error) => logger.error({ error }, 'the state of the log is not known any more'),
    });
  }

  get isUp(): boolean {
    return this.phase === 'up';
  }

  /** Resolves once it is up. */
  up(): Promise<void> {
    if (this.isUp) return Promise.resolve();
    return new Promise((resolve) => this.whenUp.push(resolve));
  }

  /** Why the log is not up. */
  get downReason(): string {
    return this.reason;
  }

  close(): void {
    this.enter('closed');
  }

  private follow(state: LinkState): void {
    if (state.state === 'connecting') return;
    const isNews = this.enter(state.state);
    if (state.state === 'up') {
      if (isNews) this.becameUp();
    } else if (this.phase === 'down') {
      this.reason = state.reason;
      if (isNews) this.becameDown(state.reason);
    }
  }

  /** False where that phase may not follow: the driver repeats itself, or the link is closed. */
  private enter(next: LinkPhase): boolean {
    if (!Object.hasOwn(LINK_PHASES[this.phase], next)) return false;
    this.phase = next;
    return true;
  }

  private becameUp(): void {
    const { driver } = this;
    this.logger.info({ driver }, `the log is up (${driver})`);
    this.events?.emit('producer-ready', { driver });
    for (const resolve of this.whenUp.splice(0)) resolve();
  }

  private becameDown(reason: string): void {
    const { driver } = this;
    this.logger.warn({ driver }, `the log is not available, trying again until it is: ${reason}`);
    const failure = asTidegateError(reason, 'TG_LOG_UNAVAILABLE', 'the log is not available');
    this.events?.emit('producer-error', failure, { driver });
  }
}
