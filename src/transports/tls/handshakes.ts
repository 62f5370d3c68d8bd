import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { plainAddress } from '../../core/client-address.ts';
import { hasCertificate } from '../../core/client-certificate.ts';
import type { Clock } from '../../core/clock.ts';
import { LineLimit, sinceLastLine } from '../../telemetry/line-limit.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Counter, Stats } from '../../telemetry/stats.ts';

/** How a TLS handshake ends. */
const RESULTS = ['ok', 'plain_http', 'client_certificate', 'alert', 'protocol', 'timeout', 'closed'] as const;
export type HandshakeResult = (typeof RESULTS)[number];

/** What is logged for the operator. A client that goes away, as the probes of load balancers do, is no news. */
const ADVICE: Readonly<Partial<Record<HandshakeResult, string>>> = {
  plain_http: 'they speak HTTP without TLS to a port with TLS; they have to use wss:// or https://',
  client_certificate: 'they have no certificate that client_ca verifies',
  alert:
    'they refuse the certificate of this port, or this version of TLS; check cert, its chain and the names in it, and what they trust',
  protocol: 'they speak no TLS, or only versions and ciphers that are no longer safe; TLS 1.2 is the oldest',
  timeout: 'they do not finish the handshake within handshake_timeout; look for addresses that only open connections',
};

/** Counts the TLS handshakes of a port, ends those that fail, and logs why: one line a minute for each reason. */
export class Handshakes {
  private readonly place: string;
  private readonly logger: Logger;
  private readonly limit: LineLimit;
  private readonly counters: ReadonlyMap<HandshakeResult, Counter>;

  constructor(place: string, logger: Logger, stats: Stats, clock: Clock) {
    this.place = place;
    this.logger = logger;
    this.limit = new LineLimit(clock);
    const counter = (result: string) => stats.counter('tidegate_tls_handshakes_total', { place, result });
    this.counters = new Map(RESULTS.map((result) => [result, counter(result)]));
  }

  /** `isCertificateOptional`: Node lets clients in whatever their certificate is, and what is wrong with it is checked here. */
  watch(server: Server, isCertificateOptional: boolean): void {
    // Node's own listener passes it on as an error of HTTP, whose answer would go out in the clear.
    server.removeAllListeners('tlsClientError');
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      this.failed(socket, resultOf(error, socket), REASON.exec(error.message)?.[1] ?? error.message);
    });
    // In front of Node's own, which begins to read requests.
    server.prependListener('secureConnection', (socket) => {
      if (isCertificateOptional && !socket.authorized && hasCertificate(socket))
        this.failed(socket, 'client_certificate', String(socket.authorizationError));
      else this.count('ok');
    });
  }

  private failed(socket: TLSSocket, result: HandshakeResult, error: string): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    this.count(result);
    socket.on('error', () => {});
    socket.destroy();
    const advice = ADVICE[result];
    const failed = advice === undefined ? 0 : this.limit.count(result);
    if (failed === 0) return;
    this.logger.warn(
      { place: this.place, reason: result, error, ...(address === undefined ? {} : { address }), failed },
      `TLS handshakes at ${this.place} fail: ${advice}${sinceLastLine(failed, 'failed')}`,
    );
  }

  private count(result: HandshakeResult): void {
    const counter = this.counters.get(result);
    if (counter !== undefined) counter.value += 1;
  }
}

/** The words in a message of OpenSSL, between the place in its source and its codes. */
const REASON = /:SSL routines:[^:]*:([^:]*):/;

/** Alerts of TLS (RFC 8446 6) that a client sends. */
const ALERT = /_ALERT_/;

function resultOf({ code = '' }: NodeJS.ErrnoException, { authorizationError }: TLSSocket): HandshakeResult {
  if (authorizationError || code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'client_certificate';
  if (code === 'ERR_SSL_HTTP_REQUEST') return 'plain_http';
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timeout';
  if (ALERT.test(code)) return 'alert';
  return code.startsWith('ERR_SSL_') ? 'protocol' : 'closed';
}
