import type { Clock } from '../core/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Refusal } from '../transports/websocket/handshake.ts';

/** What the operator can do, for the reasons that no client can do anything about. */
const ADVICE: Readonly<Record<string, string>> = {
  origin: 'add it there if the page is yours',
  full: 'raise it, or run another gateway',
  open_files:
    'raise its limit of open files (ulimit -n, LimitNOFILE= of systemd, ulimits of Docker), or run another gateway',
};
/** Milliseconds between two lines for one reason. */
const PAUSE = 60_000;

interface Told {
  readonly quietUntil: number;
  /** Refused since the last line. */
  meanwhile: number;
}

/** Tells the operator which clients are refused: one line a minute for each endpoint and reason, as they try again and again. */
export class Refusals {
  private readonly logger: Logger;
  private readonly clock: Clock;
  private readonly told = new Map<string, Told>();

  constructor(logger: Logger, clock: Clock) {
    this.logger = logger;
    this.clock = clock;
  }

  add(endpoint: string, { reason, message, origin }: Refusal): void {
    const advice = ADVICE[reason];
    if (advice === undefined) return;
    const subject = `${endpoint} ${reason}`;
    const now = this.clock.now();
    const last = this.told.get(subject);
    if (last !== undefined && now < last.quietUntil) {
      last.meanwhile += 1;
      return;
    }
    const refused = 1 + (last?.meanwhile ?? 0);
    const more = refused === 1 ? '' : `; ${refused} were refused since the last such line`;
    this.logger.warn(
      { endpoint, reason, ...(origin === undefined ? {} : { origin }), refused },
      `clients of ${endpoint} are turned away: ${message}; ${advice}${more}`,
    );
    this.told.set(subject, { quietUntil: now + PAUSE, meanwhile: 0 });
  }
}
