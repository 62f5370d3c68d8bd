import type { Duplex } from 'node:stream';
import { limitKeyOf } from '../../core/client-address.ts';
import type { Clock } from '../../core/clock.ts';
import { BucketRule, FULL } from '../../core/token-bucket.ts';
import type { Quota } from '../../core/units.ts';
import { AddressQuotas } from './address-quotas.ts';
import { Backlog } from './backlog.ts';
import type { Refusal } from './handshake.ts';

/** Limits of a listener; what is left out has none. */
export interface ListenerLimits {
  readonly handshakes?: Quota | undefined;
  readonly connections?: number | undefined;
  readonly per_address: { readonly handshakes?: Quota | undefined; readonly connections?: number | undefined };
}

/** Seconds within which clients with too many connections may come back. */
const FULL_SPREAD = 10;

/** Labels of the metric for handshakes that are refused here. */
export const LIMIT_REASONS = ['handshake_rate', 'listener_full', 'address_handshakes', 'address_connections'] as const;

/**
 * How many handshakes and connections a listener takes, of all clients together and of each address (RFC 6585 4). A connection
 * counts from its handshake on until its socket is closed, also where it is refused by another rule.
 */
export class HandshakeLimits {
  private readonly name: string;
  private readonly limits: ListenerLimits;
  private readonly clock: Clock;
  private readonly random: () => number;
  private readonly rule: BucketRule | undefined;
  private readonly byAddress: AddressQuotas | undefined;
  private readonly backlog: Backlog | undefined;
  private fullAt = FULL;
  private readonly addressOf = new Map<Duplex, string>();
  private readonly connections = new Map<string, number>();
  /** One listener for all sockets. */
  private readonly gone: (this: Duplex) => void;

  constructor(name: string, limits: ListenerLimits, clock: Clock, random: () => number = Math.random) {
    const { handshakes, per_address } = limits;
    this.name = name;
    this.limits = limits;
    this.clock = clock;
    this.random = random;
    this.rule = handshakes && new BucketRule(handshakes);
    this.backlog = handshakes && new Backlog((handshakes.count * 1_000) / handshakes.period, random);
    this.byAddress = per_address.handshakes && new AddressQuotas(new BucketRule(per_address.handshakes));
    const self = this;
    this.gone = function (this: Duplex) {
      self.forget(this);
    };
  }

  /** Connections that count now. */
  get size(): number {
    return this.addressOf.size;
  }

  /** Why a handshake from `address` is refused, or undefined: it counts then, until its socket is closed. */
  refusal(address: string, socket: Duplex): Refusal | undefined {
    const key = limitKeyOf(address);
    const refusal = this.tooMany(key) ?? this.tooFast(key);
    if (refusal === undefined) this.keep(socket, key);
    return refusal;
  }

  /** Counts the connections that others have counted so far, in their place. */
  takeOver(others: HandshakeLimits): void {
    for (const [socket, key] of others.addressOf) {
      socket.off('close', others.gone);
      this.keep(socket, key);
    }
    others.addressOf.clear();
    others.connections.clear();
  }

  private tooMany(key: string): Refusal | undefined {
    const { connections, per_address } = this.limits;
    if ((this.connections.get(key) ?? 0) >= (per_address.connections ?? Number.POSITIVE_INFINITY))
      return this.refused('address_connections', key, 'per_address.connections', this.later(FULL_SPREAD));
    if (this.size < (connections ?? Number.POSITIVE_INFINITY)) return undefined;
    return { ...this.refused('listener_full', key, 'connections', this.later(FULL_SPREAD)), status: 503 };
  }

  /** The address first: what one of them does too much takes nothing from the others. */
  private tooFast(key: string): Refusal | undefined {
    const now = this.clock.elapsed();
    if (this.byAddress?.take(key, now) === false)
      return this.refused('address_handshakes', key, 'per_address.handshakes', this.later(this.secondsOfAddress));
    const { rule, backlog } = this;
    if (rule === undefined || backlog === undefined) return undefined;
    const after = rule.taken(this.fullAt, 1, now);
    if (rule.isOver(after, now)) return this.refused('handshake_rate', key, 'handshakes', backlog.retryAfter(now));
    this.fullAt = after;
    return undefined;
  }

  /** As long as it takes until the bucket of an address is full again. */
  private get secondsOfAddress(): number {
    return (this.limits.per_address.handshakes?.period ?? 0) / 1_000;
  }

  private later(spread: number): number {
    return 1 + Math.floor(this.random() * spread);
  }

  private refused(
    reason: (typeof LIMIT_REASONS)[number],
    address: string,
    setting: string,
    retryAfter: number,
  ): Refusal {
    const message = `listeners.${this.name}.limits.${setting} is reached`;
    return { status: 429, reason, message, retryAfter, ...(reason.startsWith('address') ? { address } : {}) };
  }

  private keep(socket: Duplex, key: string): void {
    this.addressOf.set(socket, key);
    this.connections.set(key, (this.connections.get(key) ?? 0) + 1);
    socket.once('close', this.gone);
  }

  private forget(socket: Duplex): void {
    const key = this.addressOf.get(socket);
    if (key === undefined) return;
    this.addressOf.delete(socket);
    const left = (this.connections.get(key) ?? 1) - 1;
    if (left > 0) this.connections.set(key, left);
    else this.connections.delete(key);
  }
}
