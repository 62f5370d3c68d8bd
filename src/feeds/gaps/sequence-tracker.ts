import { keyOfValue } from '../resume/sent-values.ts';
import type { SequenceSettings } from '../settings/sequence-settings.ts';

/** A place where a sequence is not continued. */
export interface SequenceBreak {
  /** `hole`: numbers are missing. `back`: the number is lower than the last one of the same connection. */
  readonly kind: 'hole' | 'back';
  /** The last number before it. */
  readonly after: bigint;
  /** The number that shows it. */
  readonly before: bigint;
  /** How many numbers are missing; 0 for `back`. */
  readonly missing: bigint;
  /** When the last number came, in milliseconds since the epoch. */
  readonly since: number;
  /** Whether the last number came on another connection. */
  readonly isAcrossConnections: boolean;
}

/** A number of a message. */
export interface Numbered {
  /** What the sequence belongs to, as JSON; empty text if that has no value. */
  readonly by: string;
  readonly value: bigint;
  /** The first one, if it has several; `value` is the last one. */
  readonly first?: bigint | undefined;
  /** The number of the connection that received it. */
  readonly connection: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Whether the message is a record. */
  readonly isRecord: boolean;
}

interface Last {
  value: bigint;
  connection: number;
  at: number;
}

/**
 * Follows sequences of numbers. A first number is never a break, and neither is the last one again. After a reconnect a
 * number that is not higher begins the sequence again: the server repeats messages, or counts by connection.
 */
export class SequenceTracker {
  private readonly step: bigint;
  private readonly modulus: bigint | undefined;
  private readonly window: number;
  /** By what they belong to; the one without a message for longest is the first. */
  private readonly lasts = new Map<string, Last>();

  constructor({ step, modulus, window }: Pick<SequenceSettings, 'step' | 'modulus' | 'window'>) {
    this.step = BigInt(step);
    this.modulus = modulus === undefined ? undefined : BigInt(modulus);
    this.window = window;
  }

  /** Sequences that are remembered. */
  get size(): number {
    return this.lasts.size;
  }

  take({ by, value, first = value, connection, at, isRecord }: Numbered): SequenceBreak | undefined {
    const key = keyOfValue(by);
    const last = this.lasts.get(key);
    if (last === undefined) {
      this.remember(key, { value, connection, at });
      return undefined;
    }
    // A reply on a new connection may come before messages that the server repeats.
    if (!isRecord && connection !== last.connection && !this.isNext(last.value, first, value)) return undefined;
    // Deleted first, so that it is last in the order of the map.
    this.lasts.delete(key);
    this.lasts.set(key, last);
    const found = this.compare(last, first, value, connection);
    last.value = value;
    last.connection = connection;
    last.at = at;
    return found;
  }

  /** The next number of this sequence is its first one. */
  forget(by: string): void {
    this.lasts.delete(keyOfValue(by));
  }

  /** Whether it continues the sequence, or is its last number again. */
  private isNext(after: bigint, first: bigint, value: bigint): boolean {
    return this.distance(after, value) >= 0n && this.distance(after, first) <= this.step;
  }

  private compare(
    { value: after, connection: previous, at }: Last,
    first: bigint,
    value: bigint,
    connection: number,
  ): SequenceBreak | undefined {
    if (this.isNext(after, first, value)) return undefined;
    const isBack = this.distance(after, value) < 0n;
    const isAcrossConnections = connection !== previous;
    if (isBack && isAcrossConnections) return undefined;
    if (isBack) return { kind: 'back', after, before: value, missing: 0n, since: at, isAcrossConnections };
    // Rounded up: with a step of 2, one number is missing between 1 and 4.
    const missing = (this.distance(after, first) + this.step - 1n) / this.step - 1n;
    return { kind: 'hole', after, before: first, missing, since: at, isAcrossConnections };
  }

  /** How far it is ahead. With `modulus` the nearer way counts: 2 is ahead of 254 by 4 if numbers begin again at 256. */
  private distance(after: bigint, before: bigint): bigint {
    const { modulus } = this;
    if (modulus === undefined) return before - after;
    const ahead = (((before - after) % modulus) + modulus) % modulus;
    return ahead * 2n > modulus ? ahead - modulus : ahead;
  }

  private remember(key: string, last: Last): void {
    this.lasts.set(key, last);
    if (this.lasts.size <= this.window) return;
    for (const oldest of this.lasts.keys()) {
      this.lasts.delete(oldest);
      return;
    }
  }
}
