import type { HealthSources } from '../admin/health.ts';
import { gets, HttpMetrics } from '../admin/http-metrics.ts';
import { resourceLimit } from '../core/resource-limits.ts';
import { WaitingConnections } from '../core/waiting-connections.ts';
import type { Counter, Stats } from '../telemetry/stats.ts';
import { mostSockets, mostWaiting } from '../transports/websocket/open-files.ts';
import type { EndpointSet } from './endpoint-set.ts';
import type { GatewayContext } from './gateway-context.ts';
import { Refusals } from './refusals.ts';

/** What a listener has to know of the gateway as a whole. */
export interface GatewayState extends HealthSources {
  readonly isStopping: boolean;
  /** Resolves when clients that came while the gateway starts are to be answered; undefined where it has started. */
  opening(): Promise<void> | undefined;
}

/** Why connections end before they reach an endpoint. */
const OUTSIDE = [
  ...['not_found', 'bad_request', 'headers_too_large', 'timeout', 'waiting', 'pipelined'],
  ...['tls', 'proxy_header'],
];
/** The label `endpoint` of those; a name of the configuration begins with a letter. */
const NO_ENDPOINT = '-';

/** Label of the pages for browsers, whatever their paths are. */
export const PAGE = 'page';

/** What all listeners share. */
export class ListenerContext {
  readonly context: GatewayContext;
  readonly endpoints: EndpointSet;
  readonly state: GatewayState;
  readonly refusals: Refusals;
  readonly http: HttpMetrics;
  private readonly files = resourceLimit('Max open files');
  /** Sockets of clients that the process may have open. */
  readonly room = mostSockets(this.files);
  readonly waiting = new WaitingConnections(
    () => mostWaiting(this.size, this.files),
    () => this.cut(),
  );

  /** Of handshakes that no endpoint takes. */
  private readonly answered: (at: number) => void;

  constructor(context: GatewayContext, endpoints: EndpointSet, state: GatewayState) {
    this.context = context;
    this.endpoints = endpoints;
    this.state = state;
    this.refusals = new Refusals(context.scoped('listener'), context.clock);
    this.http = new HttpMetrics(context.stats, 'public', gets('/health', '/ready', PAGE));
    for (const reason of OUTSIDE) this.count(reason);
    this.answered = this.timesOf(NO_ENDPOINT, 'refused');
  }

  get isFull(): boolean {
    return this.size >= this.room;
  }

  /** Of handshakes and requests that were refused. */
  count(reason: string, endpoint = NO_ENDPOINT): Counter {
    return this.statsOf(endpoint).counter('tidegate_connections_refused_total', { endpoint, reason });
  }

  /** Records how long handshakes of an endpoint take that came `at`, by performance.now(). */
  timesOf(endpoint: string, result: 'accepted' | 'refused'): (at: number) => void {
    const times = this.statsOf(endpoint).histogram('tidegate_handshake_seconds', { endpoint, result });
    return (at) => times.record((performance.now() - at) / 1_000);
  }

  private statsOf(endpoint: string): Stats {
    return endpoint === NO_ENDPOINT ? this.context.stats : this.endpoints.statsOf(endpoint);
  }

  /** Clients, of all endpoints. */
  private get size(): number {
    let size = 0;
    for (const endpoint of this.endpoints) size += endpoint.size;
    return size;
  }

  /** A handshake for a path that is no endpoint's. */
  unknown(at: number): void {
    this.count('not_found').value += 1;
    this.answered(at);
  }

  private cut(): void {
    this.count('waiting').value += 1;
    const message = 'too many connections are open that have sent no request, and the oldest of them are cut';
    this.refusals.add('the listeners', { reason: 'waiting', message });
  }
}
