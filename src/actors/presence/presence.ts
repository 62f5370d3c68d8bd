import { createActor } from 'xstate';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { TopicPort } from '../../sdk/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import { startActor, tell } from '../lifecycle.ts';
import { Admission } from './admission.ts';
import { type PresenceFigures, presenceFigures } from './figures.ts';
import { Incarnation, type IncarnationObserver } from './incarnation.ts';
import { type PresenceActor, type PresenceControl, presenceMachine } from './machine.ts';
import { Orders } from './orders.ts';
import { Outbox } from './outbox.ts';
import type { Change, Newcomer, PresenceObserver, PresencePort } from './port.ts';
import { PresenceRecords } from './records.ts';
import { type Claim, Roster } from './roster.ts';
import { type PresenceTopicNames, presenceTopicNames } from './topics.ts';

export interface PresenceOptions {
  readonly endpoint: string;
  /** Topic of the room: the presence's own ones are named after it. */
  readonly room: string;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  readonly write: (topic: string) => TopicPort;
  /** After so long a silence, in milliseconds, a gateway is declared dead by the others. */
  readonly lease: number;
  /** The log belongs to this process alone: whoever wrote to it before is dead for sure. */
  readonly isAlone: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly observer: PresenceObserver;
}

/**
 * Who is in a room, on all gateways that share its log. An incarnation reads and says that we live, the admission
 * brings our connections in, orders carry messages and kicks; this puts them together.
 *
 * The observer is told of changes when a batch has been taken in, or just before it is told that it is fenced, and of
 * orders in a microtask: never within one of its own calls.
 */
export class Presence implements PresencePort, PresenceControl, IncarnationObserver {
  readonly actor: PresenceActor;
  private readonly options: PresenceOptions;
  private readonly topics: PresenceTopicNames;
  private readonly records: PresenceRecords;
  private readonly members: Outbox;
  private readonly ids: Outbox;
  private readonly admission: Admission;
  private readonly orders: Orders;
  private readonly figures: PresenceFigures;
  private incarnation: Incarnation | undefined;
  /** What the observer knows of: our incarnation's roster once it was shown, and until then the one before. */
  private shown = new Roster('');
  private changes: Change[] = [];
  private resigned: Promise<void> | undefined;
  private hasResigned: () => void = () => {};

  constructor(options: PresenceOptions) {
    this.options = options;
    const { endpoint, room, log, write, clock, logger, stats } = options;
    this.topics = presenceTopicNames(room);
    this.records = new PresenceRecords(endpoint);
    const outbox = (name: string) => new Outbox({ name, topic: write(name), clock, logger });
    this.members = outbox(this.topics.presence);
    this.ids = outbox(this.topics.ids);
    this.admission = new Admission({
      number: (answer, isWanted) =>
        this.ids.put({ key: null, value: {}, stored: (offset) => answer(offset + 1), isWanted }),
      claim: (seq, value, isWanted) => this.members.put({ key: this.memberKey(seq), value, isWanted }),
      bury: (seq) => this.members.put({ key: this.memberKey(seq), value: null }),
    });
    this.orders = new Orders({
      ...{ endpoint, log, clock, logger },
      topic: this.topics.control,
      outbox: outbox(this.topics.control),
      admission: this.admission,
      incarnation: () => this.id,
      ordered: (orders) => this.inform((observer) => observer.ordered(orders)),
    });
    this.figures = presenceFigures(stats, endpoint, {
      members: () => this.shown.size,
      gateways: () => this.incarnation?.roster.others.length ?? 0,
    });
    const input = { presence: this };
    this.actor = startActor(createActor(presenceMachine, { input }), `presence ${endpoint}`, logger);
  }

  get names(): readonly string[] {
    return this.shown.names;
  }

  get trouble(): string | undefined {
    const { presence } = this.topics;
    switch (this.actor.getSnapshot().value) {
      case 'present':
        return undefined;
      case 'waiting':
        return `${presence}, which says who is in the room, has not been looked for yet`;
      case 'rebuilding':
        return `who is in the room is being read from ${presence}`;
      case 'entering':
        return `the lease of this gateway is not in ${presence} yet`;
      default:
        return 'this gateway has left the room';
    }
  }

  start(): void {
    this.orders.follow();
    tell(this.actor, { type: 'START' });
  }

  join(newcomer: Newcomer): void {
    this.admission.join(newcomer);
  }

  leave(newcomer: Newcomer): void {
    this.admission.leave(newcomer);
  }

  direct(from: string, to: string, content: string): 'sent' | 'unknown' | 'unavailable' {
    if (!this.isShown) return 'unavailable';
    const claim = this.shown.holder(to);
    if (claim === undefined) return 'unknown';
    return this.orders.give(claim, { type: 'direct', seq: claim.seq, to, from, content });
  }

  kick(by: string, target: string | undefined): 'sent' | 'unknown' | 'unavailable' {
    if (!this.isShown) return 'unavailable';
    if (target === undefined) return this.orders.giveAll(by);
    const claim = this.shown.holder(target);
    if (claim === undefined) return 'unknown';
    return this.orders.give(claim, { type: 'kick', seq: claim.seq, target, by });
  }

  resign(): Promise<void> {
    if (this.actor.getSnapshot().status !== 'active') return Promise.resolve();
    this.resigned ??= new Promise((resolve) => {
      this.hasResigned = resolve;
      tell(this.actor, { type: 'RESIGN' });
    });
    return this.resigned;
  }

  async close(): Promise<void> {
    tell(this.actor, { type: 'CLOSE' });
    this.figures.remove();
    await Promise.all([this.incarnation?.close(), this.orders.close()]);
  }

  // --- orders of the machine

  rebuild(): void {
    const { log, lease, isAlone, clock, logger } = this.options;
    const incarnation = new Incarnation({
      ...{ log, lease, isAlone, clock, logger },
      topic: this.topics.presence,
      records: this.records,
      outbox: this.members,
      declared: this.figures.declared,
      observer: this,
    });
    this.incarnation = incarnation;
    incarnation.open();
    // Whoever is to write to our members must find us listening.
    Promise.all([incarnation.caughtUp, this.orders.listening]).then(
      () => {
        if (this.incarnation === incarnation) tell(this.actor, { type: 'CAUGHT_UP' });
      },
      (error) => logger.error({ error }, 'it cannot be found out who is in the room'),
    );
  }

  enter(): void {
    this.incarnation?.enter();
  }

  /** The observer hears of everybody at first, and of the difference when it has been fenced since. */
  admit(): void {
    if (this.incarnation === undefined) return;
    const { shown: before } = this;
    const { roster } = this.incarnation;
    this.shown = roster;
    for (const { key, member } of before.members)
      if (roster.holder(member.name)?.key !== key) this.changes.push({ type: 'left', member });
    for (const { key, member } of roster.members)
      if (before.holder(member.name)?.key !== key) this.changes.push({ type: 'joined', member });
    const facts = { incarnation: this.id, members: roster.size, gateways: roster.others.length };
    // Alone in an empty room is where everybody begins.
    const level = roster.others.length > 0 ? 'info' : 'debug';
    this.options.logger[level](facts, `in the room, where ${roster.size} members are on other gateways`);
    this.admission.open();
  }

  fence(): void {
    this.figures.fenced.value += 1;
    void this.incarnation?.close();
    this.admission.forget();
    this.inform((observer) => observer.fenced());
  }

  sayGoodbye(): void {
    this.admission.shut();
    this.incarnation?.sayGoodbye(() => tell(this.actor, { type: 'RESIGNED' }));
  }

  end(): void {
    this.admission.shut();
    this.members.close();
    this.ids.close();
    this.hasResigned();
  }

  // --- from our incarnation

  joined({ incarnation, seq, member }: Claim): void {
    const admitted = incarnation === this.id ? this.admission.won(seq) : undefined;
    if (!this.isShown) return;
    if (admitted === undefined) {
      this.changes.push({ type: 'joined', member });
      return;
    }
    this.changes.push({ type: 'joined', member, newcomer: admitted.newcomer });
    this.orders.hand(admitted.early);
  }

  left({ member }: Claim): void {
    if (this.isShown) this.changes.push({ type: 'left', member });
  }

  lost({ seq }: Claim): void {
    const newcomer = this.admission.lost(seq);
    if (newcomer !== undefined) this.changes.push({ type: 'taken', newcomer });
  }

  leased(): void {
    tell(this.actor, { type: 'LEASED' });
  }

  fenced(): void {
    this.taken();
    tell(this.actor, { type: 'FENCED' });
  }

  taken(): void {
    if (this.changes.length === 0) return;
    const changes = this.changes;
    this.changes = [];
    this.inform((observer) => observer.changed(changes));
  }

  // --- within

  private get id(): string {
    return this.incarnation?.id ?? '';
  }

  /** Whether the observer knows of all that has been read. */
  private get isShown(): boolean {
    return this.shown === this.incarnation?.roster;
  }

  private memberKey(seq: number): string {
    return this.records.memberKey(this.id, seq);
  }

  /** An observer that throws costs what it was told of, and never the order of what is read. */
  private inform(tellIt: (observer: PresenceObserver) => void): void {
    try {
      tellIt(this.options.observer);
    } catch (error) {
      this.options.logger.error({ error }, 'news of the room could not be passed on');
    }
  }
}
