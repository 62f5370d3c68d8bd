import { randomUUID } from 'node:crypto';
import type { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Message } from '../core/message.ts';
import { Follower } from '../tables/follower.ts';
import type { Outbox } from '../tables/outbox.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Counter } from '../telemetry/stats.ts';
import type { Claim } from './claim.ts';
import { ForeignRecords } from './foreign-records.ts';
import { Lease } from './lease.ts';
import type { PresenceRecords } from './records.ts';
import type { Roster, RosterEvent } from './roster.ts';

/**
 * Milliseconds for which the record of a death is kept. A machine may be suspended over a weekend, and its gateway has to
 * read of its own death afterwards. It is one small record.
 */
const DEATH_RETENTION = 7 * 86_400_000;

/** Called with what is read, in the log's order. */
export interface IncarnationObserver<M> {
  joined(claim: Claim<M>): void;
  left(claim: Claim<M>): void;
  /** A claim of ours has lost. */
  lost(claim: Claim<M>): void;
  /** Our lease was read back. */
  renewed(): void;
  /** The last call of all. */
  fenced(): void;
  batchRead(): void;
}

export interface IncarnationOptions<M, R extends Roster<M>> {
  readonly topic: string;
  readonly records: PresenceRecords<M>;
  /** A roster that has read nothing yet, for an incarnation of ours. */
  readonly roster: (incarnation: string) => R;
  readonly outbox: Outbox;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  /** Milliseconds. */
  readonly lease: number;
  readonly isAlone: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly declaredDead: Counter;
  readonly observer: IncarnationObserver<M>;
}

/**
 * An incarnation of this gateway: the time from its start, or from the last time it was declared dead, until it is closed
 * or declared dead. It reads the presence topic from the beginning, applies the records to a roster of its own, and
 * writes the records that the roster asks for.
 */
export class Incarnation<M, R extends Roster<M>> {
  readonly id = randomUUID();
  readonly roster: R;
  private readonly options: IncarnationOptions<M, R>;
  private readonly follower: Follower;
  private readonly lease: Lease;
  /** Offset behind the last record that was read. */
  private position = 0;
  private isClosed = false;
  private readonly foreign: ForeignRecords;

  constructor(options: IncarnationOptions<M, R>) {
    this.options = options;
    this.roster = options.roster(this.id);
    const { log, topic, clock, logger, lease } = options;
    const next = (batch: Batch) => this.readBatch(batch);
    const recreated = () => this.topicReplaced();
    this.foreign = new ForeignRecords(topic, logger);
    this.follower = new Follower({ log, topics: [topic], from: 'earliest', clock, logger, next, recreated });
    this.lease = new Lease({ length: lease, clock, write: (number) => this.writeLease(number) });
  }

  /** Whether no other gateway can have given our members' names away: only then are their messages passed on. */
  get isHeld(): boolean {
    return !this.isClosed && (this.options.isAlone || this.lease.isHeld);
  }

  /** Whether it has been declared dead, or has ended. */
  get isOver(): boolean {
    return this.isClosed;
  }

  /** Resolves when all has been read that was in the topic at the start. */
  get caughtUp(): Promise<void> {
    return this.follower.caughtUp;
  }

  open(): void {
    this.follower.open();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.lease.end();
    await this.follower.close();
  }

  /** Deaths that are certain are written before our first lease, so their members are gone when that comes back. */
  enter(): void {
    const { isAlone, clock, records } = this.options;
    this.roster.rebuilt();
    if (isAlone) for (const incarnation of this.roster.others) this.declareDead(incarnation);
    for (const key of this.roster.garbage(clock.now() - DEATH_RETENTION, records)) this.writeTombstone(key);
    this.lease.begin();
  }

  /** `done` is called when the log has the goodbye, or never will. */
  sayGoodbye(done: () => void): void {
    this.lease.end();
    const key = this.options.records.leaseKey(this.id);
    this.options.outbox.put({ key, value: null, stored: done, lost: done, isWanted: () => false });
  }

  private readBatch({ messages }: Batch): void {
    for (const message of messages) {
      // A record of this very batch has fenced us.
      if (this.isClosed) return;
      this.read(message);
    }
    this.options.observer.batchRead();
  }

  private read(message: Message): void {
    const { records } = this.options;
    if (message.offset < this.position) {
      this.topicReplaced();
      return;
    }
    this.position = message.offset + 1;
    const key = records.keyOf(message);
    if (key === undefined) return;
    const record = records.read(key, message);
    if (record === undefined) {
      this.foreign.skipped(message);
      return;
    }
    if (record.type === 'lease' && record.incarnation === this.id && this.lease.isLate) this.roster.forgiveSilence();
    for (const event of this.roster.apply(record)) this.handle(event);
  }

  /** The members were in a topic that is gone: as after a death of ours, all gateways write theirs again. A room closes its clients. */
  private topicReplaced(): void {
    if (this.isClosed) return;
    const { topic, logger } = this.options;
    logger.error({ topic }, `${topic} was deleted and created again: reading it from the beginning`);
    this.fenced();
  }

  private handle(event: RosterEvent<M>): void {
    const { observer } = this.options;
    switch (event.type) {
      case 'joined':
      case 'left':
      case 'lost':
        observer[event.type](event.claim);
        break;
      case 'renewed':
        this.lease.readBack();
        observer.renewed();
        break;
      case 'fenced':
        this.fenced();
        break;
      case 'tombstone':
        this.writeTombstone(event.key);
        break;
      case 'declare-dead':
        this.declareDead(event.incarnation);
        break;
    }
  }

  private fenced(): void {
    this.isClosed = true;
    this.lease.end();
    this.options.observer.fenced();
  }

  private writeLease(number: number): void {
    const { lease, options } = this;
    options.outbox.put({
      key: options.records.leaseKey(this.id),
      value: { number },
      stored: () => lease.stored(),
      lost: () => lease.lost(),
      isWanted: () => false,
    });
  }

  private declareDead(incarnation: string): void {
    const { declaredDead, outbox, records, logger, isAlone } = this.options;
    declaredDead.value += 1;
    const facts = { incarnation, by: this.id };
    if (isAlone) logger.info(facts, 'removing the members of an earlier run that did not stop properly');
    else logger.warn(facts, 'another gateway has been silent for a lease and is declared dead');
    const leasedAt = this.roster.leasedAt(incarnation);
    // With a log of its own an earlier run had its lease until the end: no other gateway could take its names.
    const until = isAlone || leasedAt === undefined ? {} : { until: leasedAt + this.options.lease };
    outbox.put({ key: records.deadKey(incarnation), value: { by: this.id, ...until }, isWanted: () => !this.isClosed });
  }

  private writeTombstone(key: string): void {
    this.options.outbox.put({ key, value: null });
  }
}
