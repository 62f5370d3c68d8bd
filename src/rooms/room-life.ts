import type { Clock } from '../core/clock.ts';
import { type Headers, NO_HEADERS } from '../core/headers.ts';
import type { Log } from '../core/log.ts';
import type { Member } from '../core/membership.ts';
import type { Claim } from '../presence/claim.ts';
import type { Incarnation } from '../presence/incarnation.ts';
import { type LifeObserver, PresenceLife } from '../presence/life.ts';
import type { PresenceRecords } from '../presence/records.ts';
import type { Outbox } from '../tables/outbox.ts';
import type { Logger } from '../telemetry/logger.ts';
import { authoredBy } from './authorship.ts';
import type { RoomCommands } from './commands.ts';
import type { LocalMembers } from './local-members.ts';
import type { RoomMetrics } from './metrics.ts';
import type { RoomLease } from './room-lease.ts';
import { RoomRoster } from './roster.ts';
import type { ShownMembers } from './shown-members.ts';

export interface RoomLifeOptions {
  readonly endpoint: string;
  /** The presence topic, and what writes to it. */
  readonly topic: string;
  readonly outbox: Outbox;
  readonly records: PresenceRecords<Member>;
  readonly members: LocalMembers;
  readonly commands: RoomCommands;
  readonly shown: ShownMembers;
  readonly writeLease: RoomLease;
  readonly metrics: RoomMetrics;
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

/** A gateway's life in a room: what an incarnation reads goes to the members that are shown, to newcomers and to commands. */
export class RoomLife implements LifeObserver<Member, RoomRoster> {
  authorship: Headers = NO_HEADERS;
  private readonly options: RoomLifeOptions;
  private readonly life: PresenceLife<Member, RoomRoster>;

  constructor(options: RoomLifeOptions) {
    this.options = options;
    const { endpoint, log, lease, isAlone, clock, logger, topic, records, outbox, metrics, commands } = options;
    this.life = new PresenceLife({
      ...{ endpoint, log, lease, isAlone, clock, logger, topic, records, outbox, metrics },
      roster: (incarnation) => new RoomRoster(incarnation),
      // Other gateways write to our members as soon as they read their claims: by then we must read the control topic.
      listening: () => commands.listening,
      observer: this,
    });
  }

  get current(): Incarnation<Member, RoomRoster> | undefined {
    return this.life.current;
  }

  /** Whether the observer knows of all that the incarnation has read. */
  get isShown(): boolean {
    const { current } = this.life;
    return current !== undefined && this.options.shown.current === current.roster;
  }

  /** Why no newcomer can join, or undefined. */
  get notReady(): string | undefined {
    const { topic } = this.options;
    switch (this.life.phase) {
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
    this.life.start();
  }

  resign(): Promise<void> {
    return this.life.resign();
  }

  close(): Promise<void> {
    return this.life.close();
  }

  // --- from the life

  began({ id }: Incarnation<Member, RoomRoster>): void {
    this.authorship = authoredBy(id);
  }

  admitted({ id, roster }: Incarnation<Member, RoomRoster>): void {
    const { shown, members, logger } = this.options;
    shown.show(roster);
    const facts = { incarnation: id, members: roster.size, gateways: roster.others.length };
    // A gateway that is alone in an empty room is nothing to report: every first start is one.
    const level = roster.others.length > 0 ? 'info' : 'debug';
    logger[level](facts, `in the room, where ${roster.size} members are on other gateways`);
    members.open();
  }

  fenced(): void {
    const { members, commands, fenced } = this.options;
    members.forget();
    commands.dropWaiting();
    fenced();
  }

  leaving(): void {
    this.options.members.shut();
  }

  ended(): void {
    this.options.ended();
  }

  // --- from the incarnation

  joined({ incarnation, seq, member }: Claim<Member>): void {
    const { members, shown, commands } = this.options;
    const won = incarnation === this.life.current?.id ? members.won(seq) : undefined;
    if (!this.isShown) return;
    shown.add({ type: 'joined', member, ...(won === undefined ? {} : { newcomer: won.newcomer }) });
    if (won !== undefined) commands.passOn(won.early);
  }

  left({ member }: Claim<Member>): void {
    if (this.isShown) this.options.shown.add({ type: 'left', member });
  }

  lost({ seq }: Claim<Member>): void {
    const newcomer = this.options.members.lost(seq);
    if (newcomer !== undefined) this.options.shown.add({ type: 'taken', newcomer });
  }

  renewed(): void {
    this.options.commands.resume();
    this.options.writeLease.renewed();
  }

  batchRead(): void {
    this.options.shown.flush();
  }
}
