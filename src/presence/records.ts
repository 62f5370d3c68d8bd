import type { Message } from '../core/message.ts';
import { isCount, objectOf } from '../tables/record-value.ts';

/*
 * The presence topic, one partition. Keys are text; values are small JSON, or none for a tombstone.
 *
 *   ENDPOINT/member/INCARNATION/SEQ   {...}               a member comes, such as a client with its name: written once, never again
 *   ENDPOINT/lease/INCARNATION        {"number"}          the gateway is alive: written again and again
 *   ENDPOINT/dead/INCARNATION         {"by", "until"}     another incarnation has declared it dead
 *
 * An incarnation is a gateway from its start, or from the last time it was declared dead, to its end.
 */
const KINDS = ['member', 'lease', 'dead'] as const;
type Kind = (typeof KINDS)[number];

export interface Keyed {
  readonly key: string;
  readonly incarnation: string;
}

export interface MemberRecord<M> extends Keyed {
  readonly type: 'member';
  readonly seq: number;
  readonly member: M;
}

export interface LeaseRecord extends Keyed {
  readonly type: 'lease';
  /** 1, 2, 3 ... within an incarnation. */
  readonly number: number;
  /** When it was written by the clock of its gateway, in milliseconds since the epoch. */
  readonly timestamp: number;
}

export interface DeadRecord extends Keyed {
  readonly type: 'dead';
  /** The incarnation that declared it. */
  readonly by: string;
  /**
   * When its last lease ended by its own clock, in milliseconds since the epoch: later messages of its members were sent
   * without a lease. Undefined where that is not known; earlier versions did not write it.
   */
  readonly until: number | undefined;
  /** When it was written, in milliseconds since the epoch. Decides only when the record is removed. */
  readonly timestamp: number;
}

/** The record of that kind and key does not count any more. */
export interface Tombstone extends Keyed {
  readonly type: 'tombstone';
  readonly of: Kind;
}

export type PresenceRecord<M> = MemberRecord<M> | LeaseRecord | DeadRecord | Tombstone;

/** The keys of one endpoint, and the records under them. */
export class PresenceRecords<M> {
  private readonly prefix: string;
  private readonly memberIn: (value: Readonly<Record<string, unknown>>) => M | undefined;

  /** `memberIn`: the member in the value of its record; undefined where no gateway can have written that. */
  constructor(endpoint: string, memberIn: (value: Readonly<Record<string, unknown>>) => M | undefined) {
    this.prefix = `${endpoint}/`;
    this.memberIn = memberIn;
  }

  memberKey(incarnation: string, seq: number): string {
    return `${this.prefix}member/${incarnation}/${seq}`;
  }

  leaseKey(incarnation: string): string {
    return `${this.prefix}lease/${incarnation}`;
  }

  deadKey(incarnation: string): string {
    return `${this.prefix}dead/${incarnation}`;
  }

  /** The key of a record, or undefined where the record is not of this endpoint. */
  keyOf(message: Message): string | undefined {
    const key = message.key?.toString();
    return key?.startsWith(this.prefix) ? key : undefined;
  }

  /** undefined for a record that no gateway can have written. */
  read(key: string, message: Message): PresenceRecord<M> | undefined {
    const [kind, incarnation, number, ...more] = key.slice(this.prefix.length).split('/');
    const of = KINDS.find((known) => known === kind);
    if (of === undefined || !incarnation || more.length > 0) return undefined;
    if ((of === 'member') !== (number !== undefined)) return undefined;
    if (message.meta.tombstone === true) return { type: 'tombstone', of, key, incarnation };
    const value = objectOf(message);
    if (value === undefined) return undefined;
    switch (of) {
      case 'member':
        return this.member(value, { key, incarnation, seq: Number(number) });
      case 'lease':
        return isCount(value.number)
          ? { type: 'lease', key, incarnation, number: value.number, timestamp: message.timestamp }
          : undefined;
      case 'dead':
        return typeof value.by === 'string'
          ? {
              ...{ type: 'dead', key, incarnation, by: value.by, timestamp: message.timestamp },
              until: isCount(value.until) ? value.until : undefined,
            }
          : undefined;
    }
  }

  private member(
    value: Readonly<Record<string, unknown>>,
    keyed: Keyed & { readonly seq: number },
  ): MemberRecord<M> | undefined {
    const member = isCount(keyed.seq) ? this.memberIn(value) : undefined;
    return member === undefined ? undefined : { type: 'member', ...keyed, member };
  }
}
