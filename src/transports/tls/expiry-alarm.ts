import type { Clock } from '../../core/clock.ts';
import { LineLimit } from '../../telemetry/line-limit.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import type { ServerCertificate } from './server-certificate.ts';

const DAY = 86_400_000;
/** Milliseconds before the end of its validity from which on a certificate is to be renewed. */
export const RENEWAL_TIME = 14 * DAY;

export interface AlarmOptions {
  readonly place: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
}

/** Measures how long the certificate of a port is still valid, and warns once a day while that is short. */
export class ExpiryAlarm {
  private readonly options: AlarmOptions;
  private readonly current: () => ServerCertificate;
  private readonly stopMeasuring: () => void;
  private limit: LineLimit;

  constructor(options: AlarmOptions, current: () => ServerCertificate) {
    const { place, stats, clock } = options;
    this.options = options;
    this.current = current;
    this.limit = new LineLimit(clock, DAY);
    this.stopMeasuring = stats.gauge('tidegate_tls_certificate_expiry_seconds', { place }, () => this.left / 1_000);
  }

  check(): void {
    if (this.left > RENEWAL_TIME || this.limit.count('') === 0) return;
    const { place, logger } = this.options;
    const { subject, notAfter } = this.current();
    const facts = { place, subject, not_after: new Date(notAfter).toISOString() };
    logger.warn(facts, `the certificate of ${place} ${describeExpiry(notAfter, this.options.clock.now())}`);
  }

  /** There is another certificate, which may be as short. */
  renewed(): void {
    this.limit = new LineLimit(this.options.clock, DAY);
    this.check();
  }

  close(): void {
    this.stopMeasuring();
  }

  /** Milliseconds; less than 0 once it has expired. */
  private get left(): number {
    return this.current().notAfter - this.options.clock.now();
  }
}

/** What is wrong with a certificate that is valid until `notAfter` or will be soon; both in milliseconds since 1970. */
export function describeExpiry(notAfter: number, now: number): string {
  const end = new Date(notAfter).toISOString();
  if (notAfter <= now) return `has expired: it was valid until ${end}, and clients refuse it; renew it`;
  return `expires in ${Math.floor((notAfter - now) / DAY)} days, at ${end}; renew it`;
}
