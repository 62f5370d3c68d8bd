import type { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Member } from '../core/membership.ts';
import type { Message } from '../core/message.ts';
import type { Claim } from '../presence/claim.ts';
import { ForeignRecords } from '../presence/foreign-records.ts';
import { Follower } from '../tables/follower.ts';
import type { Outbox } from '../tables/outbox.ts';
import type { Logger } from '../telemetry/logger.ts';
import { authoredBy, authorOf } from './authorship.ts';
import { type ControlRecord, controlKey, everyoneKey, readControlRecord } from './control.ts';
import type { LocalMembers } from './local-members.ts';
import type { CommandDone, Newcomer, RoomCommand } from './port.ts';

export interface RoomCommandsOptions {
  readonly endpoint: string;
  readonly topic: string;
  readonly outbox: Outbox;
  readonly members: LocalMembers;
  /** Our current one. */
  readonly incarnation: () => string;
  /** Whether no other gateway can have given our members' names away. */
  readonly isHeld: () => boolean;
  /** Whether an incarnation is known to be dead: its commands are dropped. */
  readonly isDead: (incarnation: string) => boolean;
  /** Called for each command that came too late. */
  readonly tooLate: () => void;
  readonly log: Pick<Log, 'reader' | 'admin'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly commanded: (commands: readonly RoomCommand[]) => void;
}

type ToOne = Exclude<ControlRecord, { type: 'kick-all' }>;

/** A command of a member of ours, given while the lease was not held. */
interface Waiting {
  readonly send: () => void;
  readonly done: CommandDone | undefined;
}

/**
 * Direct messages and kicks. Commands for a member of this gateway are passed on in a microtask, so that the observer is
 * not called within the call that sends them; all others go through the control topic to the gateway of the member.
 * Without a lease the name of the sender may have a new holder, so commands wait until it is back, or are lost with it.
 */
export class RoomCommands {
  private readonly options: RoomCommandsOptions;
  private readonly follower: Follower;
  private readonly everyone: string;
  private due: RoomCommand[] = [];
  /** Bounded by what each sender may have in flight. */
  private waiting: Waiting[] = [];
  private readonly foreign: ForeignRecords;

  constructor(options: RoomCommandsOptions) {
    this.options = options;
    const { log, topic, clock, logger } = options;
    this.everyone = everyoneKey(options.endpoint);
    const next = ({ messages }: Batch) => {
      for (const message of messages) this.take(message);
    };
    this.foreign = new ForeignRecords(topic, logger);
    this.follower = new Follower({ log, topics: [topic], from: 'latest', clock, logger, next });
  }

  /** Resolves once every record that is written to our members will be read. */
  get listening(): Promise<void> {
    return this.follower.caughtUp;
  }

  follow(): void {
    this.follower.open();
  }

  async close(): Promise<void> {
    this.options.outbox.close();
    this.dropWaiting();
    await this.follower.close();
  }

  /** The lease may be held again. */
  resume(): void {
    if (!this.options.isHeld()) return;
    for (const { send } of this.waiting.splice(0)) send();
  }

  /** The lease does not come back for the members whose commands wait. */
  dropWaiting(): void {
    for (const { done } of this.waiting.splice(0)) done?.(false);
  }

  /** Where it is sent, `done` is called later. */
  send({ incarnation, seq }: Claim<Member>, record: ToOne, done?: CommandDone): 'sent' | 'unknown' {
    if (incarnation !== this.options.incarnation()) {
      this.whenHeld(() => this.write(controlKey(this.options.endpoint, incarnation), record, done), done);
      return 'sent';
    }
    const newcomer = this.options.members.member(seq);
    // The member has left, and its tombstone has not come back yet.
    if (newcomer === undefined) return 'unknown';
    this.whenHeld(() => this.passOn([commandOf(record, newcomer, done)]), done);
    return 'sent';
  }

  /** Goes through the log to all gateways, this one too. */
  sendToAll(by: string, done?: CommandDone): 'sent' {
    this.whenHeld(() => this.write(this.everyone, { type: 'kick-all', by }, done), done);
    return 'sent';
  }

  /** To the observer, once the current call has returned. */
  passOn(commands: readonly RoomCommand[]): void {
    if (commands.length === 0) return;
    if (this.due.length === 0) queueMicrotask(() => this.passOnDue());
    this.due.push(...commands);
  }

  private whenHeld(send: () => void, done: CommandDone | undefined): void {
    if (this.waiting.length === 0 && this.options.isHeld()) send();
    else this.waiting.push({ send, done });
  }

  private passOnDue(): void {
    const { members, commanded } = this.options;
    const commands: RoomCommand[] = [];
    for (const command of this.due.splice(0)) {
      if (members.isIn(targetOf(command))) commands.push(command);
      else command.done?.(false);
    }
    if (commands.length > 0) commanded(commands);
  }

  private write(key: string, value: ControlRecord, done: CommandDone | undefined): void {
    const { outbox, incarnation } = this.options;
    const stored = () => done?.(true);
    const lost = () => done?.(false);
    // Not tried again: a command that comes late is worse than none.
    outbox.put({ key, value, headers: authoredBy(incarnation()), stored, lost, isWanted: () => false });
  }

  private take(message: Message): void {
    const { endpoint, incarnation, members, isDead, tooLate } = this.options;
    const key = message.key?.toString();
    const isForAll = key === this.everyone;
    if (!isForAll && key !== controlKey(endpoint, incarnation())) return;
    const author = authorOf(message);
    if (author !== undefined && isDead(author)) {
      tooLate();
      return;
    }
    const record = readControlRecord(message);
    if (record === undefined || (record.type === 'kick-all') !== isForAll) {
      this.foreign.skipped(message);
    } else if (record.type === 'kick-all') {
      this.passOn(members.all.map((target) => ({ type: 'kick', target, by: record.by })));
    } else {
      const newcomer = members.member(record.seq);
      if (newcomer !== undefined) this.passOn([commandOf(record, newcomer)]);
      else members.commandEarly(record.seq, (early) => commandOf(record, early));
    }
  }
}

function commandOf(record: ToOne, newcomer: Newcomer, done?: CommandDone): RoomCommand {
  const whenDone = done === undefined ? {} : { done };
  return record.type === 'direct'
    ? { type: 'direct', to: newcomer, from: record.from, content: record.content, ...whenDone }
    : { type: 'kick', target: newcomer, by: record.by, ...whenDone };
}

function targetOf(command: RoomCommand): Newcomer {
  return command.type === 'direct' ? command.to : command.target;
}
