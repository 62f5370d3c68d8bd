import type { Clock } from '../core/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Refusal } from '../transports/websocket/handshake.ts';

/** What the operator can do, for the reasons that nobody else can do anything about. */
const ADVICE: Readonly<Record<string, string>> = {
  full: 'raise it, or run another gateway',
  open_files:
    'raise its limit of open files (ulimit -n, LimitNOFILE= of systemd, ulimits of Docker), or run another gateway',
};
/** Milliseconds between two lines for one reason. */
const PAUSE = 60_000;

/** Tells the operator that clients find no room: one line a minute, as they try again and again. */
export class Refusals {
  private readonly logger: Logger;
  private readonly clock: Clock;
  private readonly quietUntil = new Map<string, number>();

  constructor(logger: Logger, clock: Clock) {
    this.logger = logger;
    this.clock = clock;
  }

  add(endpoint: string, { reason, message }: Refusal): void {
    const subject = `${endpoint} ${reason}`;
    const now = this.clock.now();
    const advice = ADVICE[reason];
    if (advice === undefined || now < (this.quietUntil.get(subject) ?? now)) return;
    this.logger.warn({ endpoint, reason }, `clients of ${endpoint} are turned away: ${message}; ${advice}`);
    this.quietUntil.set(subject, now + PAUSE);
  }
}
