import type { Clock } from '../core/clock.ts';
import type { Headers } from '../core/headers.ts';
import type { Log } from '../core/log.ts';
import type { Message } from '../core/message.ts';
import type { TopicPort } from '../sdk/context.ts';
import { Outbox } from '../tables/outbox.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Stats } from '../telemetry/stats.ts';
import { authorOf } from './authorship.ts';
import { RoomCommands } from './commands.ts';
import { LocalMembers } from './local-members.ts';
import { memberRecords } from './member-records.ts';
import { type RoomMetrics, roomMetrics } from './metrics.ts';
import type { CommandDone, CommandOutcome, Newcomer, PresenceObserver, PresencePort } from './port.ts';
import { RoomLease } from './room-lease.ts';
import { RoomLife } from './room-life.ts';
import type { RoomRoster } from './roster.ts';
import { ShownMembers } from './shown-members.ts';
import { presenceTopicNames } from './topics.ts';

export interface PresenceOptions {
  readonly endpoint: string;
  /** Topic of the room: the presence's own topics are named after it. */
  readonly room: string;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  readonly write: (topic: string) => TopicPort;
  /** After this long without a record of a gateway, in milliseconds, the others declare it dead. */
  readonly lease: number;
  /** The log belongs to this process alone: every incarnation that wrote to it before is dead. */
  readonly isAlone: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly observer: PresenceObserver;
}

/**
 * The members of a room on all gateways that share its log. This class connects the parts and has no rules of its own:
 * the life begins and ends incarnations, local members are the connections of this gateway, commands are direct
 * messages and kicks, the lease says whether members' messages may be written.
 *
 * The observer is called with changes when a batch has been read, or just before `fenced`, and with commands in a
 * microtask: never within a call that it makes itself.
 */
export class Presence implements PresencePort {
  readonly lease: RoomLease;
  private readonly options: PresenceOptions;
  private readonly members: LocalMembers;
  private readonly commands: RoomCommands;
  private readonly shown: ShownMembers;
  private readonly metrics: RoomMetrics;
  private readonly life: RoomLife;

  constructor(options: PresenceOptions) {
    this.options = options;
    const { endpoint, room, log, write, clock, logger, stats, lease, isAlone } = options;
    const topics = presenceTopicNames(room);
    const records = memberRecords(endpoint);
    const outbox = (name: string) => new Outbox({ name, topic: write(name), clock, logger });
    const presence = outbox(topics.presence);
    const ids = outbox(topics.ids);
    const id = () => this.life.current?.id ?? '';
    this.lease = new RoomLease(endpoint, () => this.life.current);
    this.shown = new ShownMembers((changes) => this.inform((observer) => observer.changed(changes)));
    this.members = new LocalMembers({
      number: (answer, isWanted) => ids.put({ key: null, value: {}, stored: (offset) => answer(offset + 1), isWanted }),
      claim: (seq, value, isWanted) => presence.put({ key: records.memberKey(id(), seq), value, isWanted }),
      withdraw: (seq) => presence.put({ key: records.memberKey(id(), seq), value: null }),
    });
    this.commands = new RoomCommands({
      ...{ endpoint, log, clock, logger },
      topic: topics.control,
      outbox: outbox(topics.control),
      members: this.members,
      incarnation: id,
      isHeld: () => this.lease.isHeld,
      isDead: (incarnation) => this.roster?.isDead(incarnation) === true,
      tooLate: () => this.countTooLate(),
      commanded: (commands) => this.inform((observer) => observer.commanded(commands)),
    });
    this.metrics = roomMetrics(stats, endpoint, {
      members: () => this.shown.current.size,
      gateways: () => this.roster?.others.length ?? 0,
    });
    const { members, commands, shown, metrics, lease: writeLease } = this;
    this.life = new RoomLife({
      ...{ endpoint, records, members, commands, shown, writeLease, metrics, log, lease, isAlone, clock, logger },
      ...{ topic: topics.presence, outbox: presence },
      fenced: () => this.inform((observer) => observer.fenced()),
      ended: () => {
        presence.close();
        ids.close();
      },
    });
  }

  get names(): readonly string[] {
    return this.shown.current.names;
  }

  get notReadyReason(): string | undefined {
    return this.life.notReady;
  }

  get authorship(): Headers {
    return this.life.authorship;
  }

  start(): void {
    this.commands.follow();
    this.life.start();
  }

  join(newcomer: Newcomer): void {
    this.members.join(newcomer);
  }

  leave(newcomer: Newcomer): void {
    this.members.leave(newcomer);
  }

  direct(from: string, to: string, content: string, done?: CommandDone): CommandOutcome {
    if (!this.life.isShown) return 'unavailable';
    const claim = this.shown.current.holder(to);
    if (claim === undefined) return 'unknown';
    return this.commands.send(claim, { type: 'direct', seq: claim.seq, to, from, content }, done);
  }

  kick(by: string, target: string | undefined, done?: CommandDone): CommandOutcome {
    if (!this.life.isShown) return 'unavailable';
    if (target === undefined) return this.commands.sendToAll(by, done);
    const claim = this.shown.current.holder(target);
    if (claim === undefined) return 'unknown';
    return this.commands.send(claim, { type: 'kick', seq: claim.seq, target, by }, done);
  }

  authorOf(record: Message): string | undefined {
    return authorOf(record);
  }

  isTooLate(record: Message): boolean {
    // No client is a member before the roster is shown; the history is judged when a client gets it.
    if (!this.life.isShown) return false;
    const author = authorOf(record);
    if (author === undefined || !this.shown.current.isTooLate(author, record.timestamp)) return false;
    this.countTooLate();
    return true;
  }

  wasTooLate(author: string, timestamp: number): boolean {
    return this.roster?.hadExpired(author, timestamp) === true;
  }

  abandon(): void {
    this.commands.dropWaiting();
    this.lease.abandon();
  }

  resign(): Promise<void> {
    return this.life.resign();
  }

  async close(): Promise<void> {
    const closed = this.life.close();
    this.metrics.remove();
    await Promise.all([closed, this.commands.close()]);
  }

  /** What has been read, shown or not. */
  private get roster(): RoomRoster | undefined {
    return this.life.current?.roster;
  }

  private countTooLate(): void {
    this.metrics.tooLate.value += 1;
  }

  /** An observer that throws loses what it was called with; what is read next keeps its order. */
  private inform(call: (observer: PresenceObserver) => void): void {
    try {
      call(this.options.observer);
    } catch (error) {
      this.options.logger.error({ error }, 'a change in the room could not be passed on to its clients');
    }
  }
}
