import type { Clock } from '../core/clock.ts';
import { LineLimit, sinceLastLine } from '../telemetry/line-limit.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Refusal } from '../transports/websocket/handshake.ts';

/** What the operator can do, for reasons that clients cannot change. */
const ADVICE: Readonly<Record<string, string>> = {
  origin: 'add it there if the page is yours',
  full: 'raise it, or run another gateway',
  open_files:
    'raise its limit of open files (ulimit -n, LimitNOFILE= of systemd, ulimits of Docker), or run another gateway',
  pipelined: 'look for addresses that send many requests at once; turn pipelining off in a proxy that does it',
  checks_full: 'look why checking clients takes so long: the key server of an entry of auth may be slow',
  check_timeout: 'look at the key server of the entry of auth that the endpoint names',
  check_failed: 'this is a fault of what checks clients; report it',
  tls: 'let them use ws:// or http://, or give the listener a certificate (tls)',
  handshake_rate: 'raise it if the gateway can take more, or run another gateway',
  listener_full: 'raise it, or run another gateway',
  address_handshakes: 'look at the address; if it is a proxy, list it in trusted_proxies',
  address_connections: 'look at the address; if it is a proxy, list it in trusted_proxies',
  identity_connections: 'raise it if one identity may have so many clients',
  proxy_header: 'look at the proxy in front of the listener, and at who else can reach its port',
  waiting:
    'look for addresses that open connections and send nothing; raise the limit of open files (ulimit -n) if there are none',
};

/** Logs which clients are refused: one line a minute for each endpoint and reason, as clients try again and again. */
export class Refusals {
  private readonly logger: Logger;
  private readonly limit: LineLimit;

  constructor(logger: Logger, clock: Clock) {
    this.logger = logger;
    this.limit = new LineLimit(clock);
  }

  add(endpoint: string, refusal: Pick<Refusal, 'reason' | 'message' | 'origin' | 'address'>): void {
    const { reason, message, origin, address } = refusal;
    const advice = ADVICE[reason];
    if (advice === undefined) return;
    const refused = this.limit.count(`${endpoint} ${reason}`);
    if (refused === 0) return;
    const more = sinceLastLine(refused, 'were refused');
    this.logger.warn(
      { endpoint, reason, ...(origin && { origin }), ...(address && { address }), refused },
      `clients of ${endpoint} are turned away: ${message}; ${advice}${more}`,
    );
  }
}
