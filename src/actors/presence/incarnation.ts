import { randomUUID } from 'node:crypto';
import type { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Counter } from '../../telemetry/stats.ts';
import { Follower } from '../follower.ts';
import { Lease } from './lease.ts';
import type { Outbox } from './outbox.ts';
import type { PresenceRecords } from './records.ts';
import { type Claim, Roster, type RosterEvent } from './roster.ts';

/**
 * A death stays in the topic for so long, in milliseconds, that a gateway which slept through it still reads of it: a
 * machine may be suspended over a weekend. It is one small record.
 */
const DEATH_KEPT = 7 * 86_400_000;

/** Is told of what is read, in the log's order. */
export interface IncarnationObserver {
  joined(claim: Claim): void;
  left(claim: Claim): void;
  /** A claim of ours came second to its name. */
  lost(claim: Claim): void;
  leased(): void;
  /** Nothing is told after this. */
  fenced(): void;
  /** A batch has been taken in. */
  taken(): void;
}

export interface IncarnationOptions {
  readonly topic: string;
  readonly records: PresenceRecords;
  readonly outbox: Outbox;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  /** Milliseconds. */
  readonly lease: number;
  readonly isAlone: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Counts deaths that we have found. */
  readonly declared: Counter;
  readonly observer: IncarnationObserver;
}

/**
 * A gateway's life in a room, from its start, or from the last time it was declared dead, until it is closed. It reads
 * the presence topic from its beginning, applies it to a roster of its own and writes what that asks for.
 */
export class Incarnation {
  readonly id = randomUUID();
  readonly roster = new Roster(this.id);
  private readonly options: IncarnationOptions;
  private readonly follower: Follower;
  private readonly lease: Lease;
  /** Offset behind the last record that was read. */
  private position = 0;
  private isClosed = false;
  private hasComplained = false;

  constructor(options: IncarnationOptions) {
    this.options = options;
    const { log, topic, clock, logger, lease } = options;
    const next = (batch: Batch) => this.take(batch);
    const recreated = () => this.lostTopic();
    this.follower = new Follower({ log, topics: [topic], from: 'earliest', clock, logger, next, recreated });
    this.lease = new Lease({ length: lease, clock, write: (number) => this.writeLease(number) });
  }

  /** Resolves when all has been read that was there at the start. */
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

  /** Whoever is dead for sure is declared so before our lease, and is gone when that comes back. */
  enter(): void {
    const { isAlone, clock, records } = this.options;
    this.roster.rebuilt();
    if (isAlone) for (const incarnation of this.roster.others) this.declareDead(incarnation);
    for (const key of this.roster.garbage(clock.now() - DEATH_KEPT, records)) this.bury(key);
    this.lease.begin();
  }

  /** `done` is told when the log has it, or never will. */
  sayGoodbye(done: () => void): void {
    this.lease.end();
    const key = this.options.records.leaseKey(this.id);
    this.options.outbox.put({ key, value: null, stored: done, lost: done, isWanted: () => false });
  }

  private take({ messages }: Batch): void {
    for (const message of messages) {
      // Fenced by a record of this very batch.
      if (this.isClosed) return;
      this.read(message);
    }
    this.options.observer.taken();
  }

  private read(message: Message): void {
    const { records } = this.options;
    if (message.offset < this.position) {
      this.lostTopic();
      return;
    }
    this.position = message.offset + 1;
    const key = records.keyOf(message);
    if (key === undefined) return;
    const record = records.read(key, message);
    if (record === undefined) {
      this.complain(message);
      return;
    }
    if (record.type === 'lease' && record.incarnation === this.id && this.lease.isLate) this.roster.forgive();
    for (const event of this.roster.apply(record)) this.handle(event);
  }

  /** Who is in the room stood in a topic that is gone: as after a death of ours, all of us write it anew. */
  private lostTopic(): void {
    if (this.isClosed) return;
    const { topic, logger } = this.options;
    logger.error({ topic }, `${topic} is not the topic any more that it was: reading it anew, and closing all clients`);
    this.fenced();
  }

  private handle(event: RosterEvent): void {
    const { observer } = this.options;
    switch (event.type) {
      case 'joined':
      case 'left':
      case 'lost':
        observer[event.type](event.claim);
        break;
      case 'echoed':
        this.lease.echoed();
        observer.leased();
        break;
      case 'fenced':
        this.fenced();
        break;
      case 'bury':
        this.bury(event.key);
        break;
      case 'declare':
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
    const { declared, outbox, records, logger, isAlone } = this.options;
    declared.value += 1;
    const facts = { incarnation, by: this.id };
    if (isAlone) logger.info(facts, 'sweeping up after an earlier run that did not end properly');
    else logger.warn(facts, 'another gateway has been silent for a lease and is declared dead');
    outbox.put({ key: records.deadKey(incarnation), value: { by: this.id }, isWanted: () => !this.isClosed });
  }

  private bury(key: string): void {
    this.options.outbox.put({ key, value: null });
  }

  private complain({ offset }: Message): void {
    if (this.hasComplained) return;
    this.hasComplained = true;
    const { topic, logger } = this.options;
    logger.debug({ topic, offset }, `a record of ${topic} is none of ours and is passed over, as will be others`);
  }
}
