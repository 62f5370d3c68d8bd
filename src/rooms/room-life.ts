import { createActor } from 'xstate';
import { startActor, tell } from '../actors/lifecycle.ts';
import type { Clock } from '../core/clock.ts';
import { type Headers, NO_HEADERS } from '../core/headers.ts';
import type { Log } from '../core/log.ts';
import type { Outbox } from '../tables/outbox.ts';
import type { Logger } from '../telemetry/logger.ts';
import { authoredBy } from './authorship.ts';
import type { RoomCommands } from './commands.ts';
import { Incarnation, type IncarnationObserver } from './incarnation.ts';
import type { LocalMembers } from './local-members.ts';
import { type PresenceActor, type PresenceControl, presenceMachine } from './machine.ts';
import type { PresenceMetrics } from './metrics.ts';
import type { Claim } from './names.ts';
import type { PresenceRecords } from './records.ts';
import type { RoomLease } from './room-lease.ts';
import type { ShownMembers } from './shown-members.ts';

export interface RoomLifeOptions {
  readonly endpoint: string;
  /** The presence topic, and what writes to it. */
  readonly topic: string;
  readonly outbox: Outbox;
  readonly records: PresenceRecords;
  readonly members: LocalMembers;
  readonly commands: RoomCommands;
  readonly shown: ShownMembers;
  readonly writeLease: RoomLease;
  readonly metrics: PresenceMetrics;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  /** Milliseconds. */
  readonly lease: number;
  readonly isAlone: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Every member of this gateway has to go. */
  readonly fenced: () => void;
  /** Nothing is written any more. */
  readonly ended: () => void;
}

/** A gateway's incarnations in a room, one after the other: what the machine orders, and what an incarnation reads. */
export class RoomLife implements PresenceControl, IncarnationObserver {
  authorship: Headers = NO_HEADERS;
  private readonly options: RoomLifeOptions;
  private readonly actor: PresenceActor;
  private incarnation: Incarnation | undefined;
  private resigned: Promise<void> | undefined;
  private hasResigned: () => void = () => {};

  constructor(options: RoomLifeOptions) {
    this.options = options;
    const { endpoint, logger } = options;
    const machine = createActor(presenceMachine, { input: { control: this } });
    this.actor = startActor(machine, `presence ${endpoint}`, logger);
  }

  get current(): Incarnation | undefined {
    return this.incarnation;
  }

  /** Whether the observer knows of all that the incarnation has read. */
  get isShown(): boolean {
    return this.incarnation !== undefined && this.options.shown.current === this.incarnation.roster;
  }

  /** Why no newcomer can join, or undefined. */
  get notReady(): string | undefined {
    const { topic } = this.options;
    switch (this.actor.getSnapshot().value) {
      case 'present':
        return undefined;
      case 'waiting':
        return `the topic ${topic}, which has the members of the room, has not been checked yet`;
      case 'rebuilding':
        return `the members of the room are being read from ${topic}`;
      case 'entering':
        return `the lease of this gateway has not come back from ${topic} yet`;
      default:
        return 'this gateway has left the room';
    }
  }

  start(): void {
    tell(this.actor, { type: 'START' });
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
    await this.incarnation?.close();
  }

  // --- from the machine

  rebuild(): void {
    const { log, lease, isAlone, clock, logger, topic, records, outbox, metrics, commands } = this.options;
    const incarnation = new Incarnation({
      ...{ log, lease, isAlone, clock, logger, topic, records, outbox },
      declaredDead: metrics.declaredDead,
      observer: this,
    });
    this.incarnation = incarnation;
    this.authorship = authoredBy(incarnation.id);
    incarnation.open();
    // Other gateways write to our members as soon as they read their claims: by then we must read the control topic.
    Promise.all([incarnation.caughtUp, commands.listening]).then(
      () => {
        if (this.incarnation === incarnation) tell(this.actor, { type: 'CAUGHT_UP' });
      },
      (error) => logger.error({ error }, 'the members of the room cannot be read'),
    );
  }

  enter(): void {
    this.incarnation?.enter();
  }

  admit(): void {
    if (this.incarnation === undefined) return;
    const { shown, members, logger } = this.options;
    const { id, roster } = this.incarnation;
    shown.show(roster);
    const facts = { incarnation: id, members: roster.size, gateways: roster.others.length };
    // A gateway that is alone in an empty room is nothing to report: every first start is one.
    const level = roster.others.length > 0 ? 'info' : 'debug';
    logger[level](facts, `in the room, where ${roster.size} members are on other gateways`);
    members.open();
  }

  fence(): void {
    const { metrics, members, commands, fenced } = this.options;
    metrics.fenced.value += 1;
    void this.incarnation?.close();
    members.forget();
    commands.dropWaiting();
    fenced();
  }

  sayGoodbye(): void {
    this.options.members.shut();
    this.incarnation?.sayGoodbye(() => tell(this.actor, { type: 'RESIGNED' }));
  }

  end(): void {
    this.options.members.shut();
    this.options.ended();
    this.hasResigned();
  }

  // --- from the incarnation

  joined({ incarnation, seq, member }: Claim): void {
    const { members, shown, commands } = this.options;
    const won = incarnation === this.incarnation?.id ? members.won(seq) : undefined;
    if (!this.isShown) return;
    shown.add({ type: 'joined', member, ...(won === undefined ? {} : { newcomer: won.newcomer }) });
    if (won !== undefined) commands.passOn(won.early);
  }

  left({ member }: Claim): void {
    if (this.isShown) this.options.shown.add({ type: 'left', member });
  }

  lost({ seq }: Claim): void {
    const newcomer = this.options.members.lost(seq);
    if (newcomer !== undefined) this.options.shown.add({ type: 'taken', newcomer });
  }

  renewed(): void {
    tell(this.actor, { type: 'LEASED' });
    this.options.commands.resume();
    this.options.writeLease.renewed();
  }

  fenced(): void {
    this.options.shown.flush();
    tell(this.actor, { type: 'FENCED' });
  }

  batchRead(): void {
    this.options.shown.flush();
  }
}
