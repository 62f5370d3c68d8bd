import type { EndpointRoom, Guest, RoomEndpoint } from '../actors/endpoint/room-port.ts';
import type { Clock } from '../core/clock.ts';
import type { Headers } from '../core/headers.ts';
import type { Identity, MemberEvent, Membership } from '../core/membership.ts';
import type { SharedFrame } from '../core/shared-frame.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Change, CommandOutcome, Newcomer, PresenceObserver, PresencePort, RoomCommand } from './port.ts';

export interface RoomOptions {
  readonly membership: Membership;
  readonly presence: (observer: PresenceObserver) => PresencePort;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Most bytes of whole member lists that one gateway sends in a second. While that is enough, a list goes to all members
 * once a second; with 5,000 members (75 KB a list, 375 MB for all) every 23 seconds. Each change is announced at once.
 */
const LIST_BUDGET = 16 * 1024 * 1024;

type Refusal = Extract<MemberEvent, { type: 'refused' }>;

const VERBS = { direct: 'send a direct message', kick: 'kick another client' };

const NO_GUESTS: ReadonlySet<never> = new Set();

/** The members of an endpoint on this gateway, and what is sent to them about the room, which may span many gateways. */
export class Room<G extends Guest> implements EndpointRoom<G>, PresenceObserver {
  readonly presence: PresencePort;
  private readonly options: RoomOptions;
  private readonly home: RoomEndpoint<G>;
  private readonly guests = new Map<Newcomer, G>();
  private readonly newcomers = new Map<G, Newcomer>();
  /** Calls of `sweep`, one a second, until whole lists may be sent again. */
  private listPause = 0;
  private isListDue = false;
  /** The encoded list until a member joins or leaves; null where the codec has no list. */
  private encodedList: SharedFrame | null | undefined;

  constructor(options: RoomOptions, home: RoomEndpoint<G>) {
    this.options = options;
    this.home = home;
    this.presence = options.presence(this);
  }

  enter(guest: G): void {
    const identity = this.identify(guest);
    if (identity.type === 'refused') {
      guest.dismiss(identity.farewell);
      return;
    }
    const newcomer = { identity };
    this.guests.set(newcomer, guest);
    this.newcomers.set(guest, newcomer);
    this.presence.join(newcomer);
  }

  leave(guest: G): void {
    const newcomer = this.newcomers.get(guest);
    if (newcomer === undefined) return;
    this.newcomers.delete(guest);
    this.guests.delete(newcomer);
    this.presence.leave(newcomer);
  }

  /** Headers of the messages of members. */
  get authorship(): Headers {
    return this.presence.authorship;
  }

  /** `done` is called once: until then the message counts as in flight for its sender. */
  direct(guest: G, to: string, content: string, done: () => void): void {
    const from = guest.info.clientId;
    const end = this.onOutcome(guest, { type: 'refused', action: 'direct', target: to }, done);
    const reason = mayNot(guest, 'direct') ?? refusalOf(this.presence.direct(from, to, content, end));
    if (reason !== undefined) end(reason);
  }

  /** `done`: as with a direct message. */
  kick(guest: G, target: string | undefined, done: () => void): void {
    const by = guest.info.clientId;
    const end = this.onOutcome(guest, { type: 'refused', action: 'kick', target }, done);
    const reason = mayNot(guest, 'kick') ?? refusalOf(this.presence.kick(by, target, end));
    if (reason !== undefined) end(reason);
    else this.options.logger.info({ client_id: by, target: target ?? 'everyone' }, 'a client kicks another client');
  }

  /** Once a second: the whole list for all members, if it has changed and `LIST_BUDGET` allows it. */
  sweep(): void {
    this.encodedList = undefined;
    if (this.listPause > 0) this.listPause -= 1;
    if (this.isListDue && this.listPause === 0) this.sendList(NO_GUESTS);
  }

  // --- from the presence

  changed(changes: readonly Change[]): void {
    this.encodedList = undefined;
    this.home.sendWaiting();
    const announced: SharedFrame[] = [];
    const newcomers: { readonly guest: G; readonly from: number }[] = [];
    for (const change of changes) {
      if (change.type === 'taken') {
        this.refuseName(change.newcomer);
        continue;
      }
      const frame = this.home.said('a change in the room', () =>
        this.options.membership.announce(change, this.options.clock.now()),
      );
      if (frame !== null) announced.push(frame);
      const guest = change.type === 'joined' && change.newcomer !== undefined && this.guests.get(change.newcomer);
      // A client gets the changes after its own joining.
      if (!guest) continue;
      guest.admit(change.member.name);
      newcomers.push({ guest, from: announced.length });
    }
    this.announce(announced, newcomers);
  }

  commanded(commands: readonly RoomCommand[]): void {
    for (const command of commands) {
      const isDone =
        command.type === 'direct'
          ? this.guests.get(command.to)?.hear({ type: 'direct', from: command.from, content: command.content })
          : this.guests.get(command.target)?.hear({ type: 'kicked', by: command.by });
      command.done?.(isDone === true);
    }
  }

  fenced(): void {
    this.options.logger.error(
      {},
      'the other gateways have declared this one dead, because they read nothing of it for the length of a lease: closing all its clients, which may reconnect at once',
    );
    this.guests.clear();
    this.newcomers.clear();
    this.home.closeAllForRestart();
  }

  // --- within

  private identify(guest: G): Identity {
    try {
      return this.options.membership.identify(guest.info);
    } catch (error) {
      const facts = { error, client_id: guest.info.clientId };
      this.options.logger.error(facts, 'the codec failed (identify), closing its client');
      return { type: 'refused', farewell: { code: 1011, reason: 'internal error' } };
    }
  }

  private refuseName(newcomer: Newcomer): void {
    const guest = this.guests.get(newcomer);
    if (guest === undefined || newcomer.identity.type !== 'named') return;
    this.newcomers.delete(guest);
    this.guests.delete(newcomer);
    guest.dismiss(newcomer.identity.taken);
  }

  /** Each newcomer gets the list, or the changes since it joined; all others get every change. */
  private announce(
    announced: readonly SharedFrame[],
    newcomers: readonly { readonly guest: G; readonly from: number }[],
  ): void {
    // Without newcomers the list is not encoded: with thousands of names that would cost more than all else.
    const list = newcomers.length === 0 ? null : this.list();
    for (const { guest, from } of newcomers) {
      if (list !== null) guest.inform(list);
      else for (const frame of announced.slice(from)) guest.inform(frame);
      this.home.replay(guest);
    }
    const except = new Set(newcomers.map(({ guest }) => guest));
    this.home.tellOthers(announced, except);
    this.isListDue = true;
    if (this.listPause === 0) this.sendList(except);
  }

  private sendList(except: ReadonlySet<G>): void {
    this.isListDue = false;
    const list = this.list();
    if (list === null) return;
    this.listPause = Math.max(1, Math.ceil((list.size * this.home.size) / LIST_BUDGET));
    this.home.tellOthers([list], except);
  }

  private list(): SharedFrame | null {
    if (this.encodedList !== undefined) return this.encodedList;
    const { membership, clock } = this.options;
    this.encodedList = this.home.said('the list of members', () => membership.list(this.presence.names, clock.now()));
    return this.encodedList;
  }

  private onOutcome(guest: G, refusal: Omit<Refusal, 'reason'>, done: () => void) {
    return (outcome: boolean | Refusal['reason']) => {
      const reason = outcome === false ? 'unavailable' : outcome;
      if (reason !== true) this.refuse(guest, { ...refusal, reason });
      done();
    };
  }

  private refuse(guest: G, refusal: Refusal): void {
    const { action, target, reason } = refusal;
    const facts = { client_id: guest.info.clientId, action, target, reason };
    if (reason === 'forbidden')
      this.options.logger.warn(facts, `a client tried to ${VERBS[action]}, which the endpoint does not allow`);
    else this.options.logger.debug(facts, `a client could not ${VERBS[action]}: ${reason}`);
    guest.hear(refusal);
  }
}

function mayNot({ info, permissions }: Guest, action: 'direct' | 'kick'): 'forbidden' | undefined {
  return permissions.has(action, info.clientId) ? undefined : 'forbidden';
}

function refusalOf(outcome: CommandOutcome): Exclude<CommandOutcome, 'sent'> | undefined {
  return outcome === 'sent' ? undefined : outcome;
}
