import { BehaviorSubject, type Observable } from 'rxjs';
import type { Clock } from '../../../core/clock.ts';
import { reasonOf } from '../../../core/errors.ts';
import type { LinkState } from '../../../core/log.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { AuthenticationFailed } from '../sasl/sasl.ts';
import type { Cluster } from './cluster.ts';
import type { BrokerConnection } from './connection.ts';

const PROBE_INTERVAL = 2_000;
const PROBE_TIMEOUT = 2_000;
/** While contact is lost; short, so that its return is noticed at once. */
const RETRY_INTERVAL = 250;
/** After a refused password or token: many of them in a row lock accounts. */
const AUTHENTICATION_INTERVAL = 5_000;
/** Lost contact becomes `down` only after this time: a broker that restarts its socket is not an outage. */
const OUTAGE_TIMEOUT = 1_000;

/** Whether any broker answers at the address that it advertises, checked by a cheap request every two seconds. */
export class Link {
  readonly state$: Observable<LinkState>;
  private readonly cluster: Cluster;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly state = new BehaviorSubject<LinkState>({ state: 'connecting' });
  private lostAt: number | undefined;
  private closed = false;
  private cancel: (() => void) | undefined;

  /** `cluster` is used for nothing else: what waits on its sockets would look like a dead broker. */
  constructor(cluster: Cluster, clock: Clock, logger: Logger) {
    this.cluster = cluster;
    this.clock = clock;
    this.logger = logger;
    this.state$ = this.state.asObservable();
  }

  get isUp(): boolean {
    return this.state.value.state === 'up';
  }

  /** Undefined unless it is down. */
  get whyDown(): string | undefined {
    return this.state.value.state === 'down' ? this.state.value.reason : undefined;
  }

  open(): void {
    void this.watch();
  }

  close(): void {
    this.closed = true;
    this.cancel?.();
    this.state.complete();
  }

  private async watch(): Promise<void> {
    let next = PROBE_INTERVAL;
    const asked = this.clock.elapsed();
    try {
      await this.probe();
      this.found();
    } catch (error) {
      this.lost(asked, reasonOf(error));
      next = error instanceof AuthenticationFailed ? AUTHENTICATION_INTERVAL : RETRY_INTERVAL;
    }
    if (this.closed) return;
    this.cancel = this.clock.after(next, () => void this.watch());
  }

  private async probe(): Promise<void> {
    let broker: BrokerConnection | undefined;
    const cancel = this.clock.after(PROBE_TIMEOUT, () => {
      broker?.destroy(new Error(`${broker.host}:${broker.port} does not answer`));
    });
    try {
      if (!this.isUp || this.lostAt !== undefined) {
        broker = this.cluster.any();
        await this.cluster.refresh();
      }
      // All work is done at the addresses that brokers advertise: that a bootstrap address answers says nothing of them.
      broker = this.cluster.advertised();
      await broker.probe();
    } finally {
      cancel();
    }
  }

  private found(): void {
    this.lostAt = undefined;
    if (this.closed || this.isUp) return;
    this.logger.debug({ driver: 'kafkajs' }, 'Kafka can be reached');
    this.state.next({ state: 'up' });
  }

  private lost(since: number, reason: string): void {
    this.lostAt ??= since;
    const { state } = this.state.value;
    const isNews = state === 'connecting' || (state === 'up' && this.clock.elapsed() - this.lostAt >= OUTAGE_TIMEOUT);
    if (this.closed || !isNews) return;
    // Subscribers of the state log it for the operator.
    this.logger.debug({ driver: 'kafkajs', reason }, `Kafka cannot be reached: ${reason}`);
    this.state.next({ state: 'down', reason });
  }
}
