import type { Clock } from '../../core/clock.ts';
import type { ConnectionInfo, Farewell, Frame, Identity, MemberEvent, Membership } from '../../core/component.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Allowed, allowance } from '../allowance.ts';
import type { Change, Newcomer, Order, PresenceObserver, PresencePort } from '../presence/port.ts';

export interface RoomOptions {
  readonly membership: Membership;
  readonly allow: { readonly direct: Allowed; readonly kick: Allowed };
  readonly presence: (observer: PresenceObserver) => PresencePort;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A connection as its room sees it. */
export interface Guest {
  readonly info: ConnectionInfo;
  admit(name: string): void;
  hear(event: MemberEvent): void;
  inform(frame: Buffer): void;
  dismiss(farewell: Farewell): void;
}

/** What a room needs of the endpoint whose members it keeps. */
export interface RoomHome<G extends Guest> {
  encode(frame: Frame): Buffer;
  /** Sends out what waits for the end of the turn: it is for those who are in by now. */
  sendWaiting(): void;
  /** Says something to all members that are in but these. */
  tellOthers(frames: readonly Buffer[], except: ReadonlySet<G>): void;
  /** What the endpoint keeps of the past, for one that has just been let in. */
  replay(guest: G): void;
  closeAllForRestart(): void;
  readonly size: number;
}

/**
 * Bytes of whole lists that one gateway sends in a second at most. A list goes to everyone once a second while that
 * is cheap; with 5,000 members (75 KB a list, 375 MB for all) every 23 seconds. Changes are told one by one at once.
 */
const LIST_BUDGET = 16 * 1024 * 1024;

const VERBS = { direct: 'send a direct message', kick: 'send another one away' };

const NOBODY: ReadonlySet<never> = new Set();

/** The members of an endpoint on this gateway, and what they hear of the room, which may span many gateways. */
export class Room<G extends Guest> implements PresenceObserver {
  readonly presence: PresencePort;
  private readonly options: RoomOptions;
  private readonly home: RoomHome<G>;
  private readonly may: Readonly<Record<'direct' | 'kick', (name: string) => boolean>>;
  private readonly guests = new Map<Newcomer, G>();
  private readonly newcomers = new Map<G, Newcomer>();
  /** Seconds on the endpoint's clock until whole lists may go out again. */
  private listPause = 0;
  private isListDue = false;

  constructor(options: RoomOptions, home: RoomHome<G>) {
    this.options = options;
    this.home = home;
    this.may = { direct: allowance(options.allow.direct), kick: allowance(options.allow.kick) };
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

  direct(guest: G, to: string, content: string): void {
    const from = guest.info.clientId;
    const reason = this.mayNot('direct', from) ?? refusalOf(this.presence.direct(from, to, content));
    if (reason !== undefined) this.refuse(guest, { type: 'refused', action: 'direct', target: to, reason });
  }

  kick(guest: G, target: string | undefined): void {
    const by = guest.info.clientId;
    const reason = this.mayNot('kick', by) ?? refusalOf(this.presence.kick(by, target));
    if (reason !== undefined) this.refuse(guest, { type: 'refused', action: 'kick', target, reason });
    else this.options.logger.info({ client_id: by, target: target ?? 'everyone' }, 'a client sends another one away');
  }

  /** Once a second: the whole list for everyone, if it changed and is not too dear. */
  sweep(): void {
    if (this.listPause > 0) this.listPause -= 1;
    if (this.isListDue && this.listPause === 0) this.tellList(NOBODY);
  }

  // --- from the presence

  changed(changes: readonly Change[]): void {
    this.home.sendWaiting();
    const told: Buffer[] = [];
    const newcomers: { readonly guest: G; readonly from: number }[] = [];
    for (const change of changes) {
      if (change.type === 'taken') {
        this.turnAway(change.newcomer);
        continue;
      }
      const frame = this.options.membership.announce(change, this.options.clock.now());
      if (frame !== null) told.push(this.home.encode(frame));
      const guest = change.type === 'joined' && change.newcomer !== undefined && this.guests.get(change.newcomer);
      // What came before a client is not news to it.
      if (!guest) continue;
      guest.admit(change.member.name);
      newcomers.push({ guest, from: told.length });
    }
    this.tell(told, newcomers);
  }

  ordered(orders: readonly Order[]): void {
    for (const order of orders) {
      if (order.type === 'direct')
        this.guests.get(order.to)?.hear({ type: 'direct', from: order.from, content: order.content });
      else this.guests.get(order.target)?.hear({ type: 'kicked', by: order.by });
    }
  }

  fenced(): void {
    this.options.logger.error(
      {},
      'the other gateways have declared this one dead, as they heard nothing of it for a lease: closing all its clients, who may come back at once',
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

  private turnAway(newcomer: Newcomer): void {
    const guest = this.guests.get(newcomer);
    if (guest === undefined || newcomer.identity.type !== 'named') return;
    this.newcomers.delete(guest);
    this.guests.delete(newcomer);
    guest.dismiss(newcomer.identity.taken);
  }

  /** Each newcomer gets the list, or what has changed since it came; all others get every change. */
  private tell(told: readonly Buffer[], newcomers: readonly { readonly guest: G; readonly from: number }[]): void {
    const list = this.list();
    for (const { guest, from } of newcomers) {
      if (list !== null) guest.inform(list);
      else for (const frame of told.slice(from)) guest.inform(frame);
      this.home.replay(guest);
    }
    const except = new Set(newcomers.map(({ guest }) => guest));
    this.home.tellOthers(told, except);
    this.isListDue = true;
    if (this.listPause === 0) this.tellList(except);
  }

  private tellList(except: ReadonlySet<G>): void {
    this.isListDue = false;
    const list = this.list();
    if (list === null) return;
    this.listPause = Math.max(1, Math.ceil((list.length * this.home.size) / LIST_BUDGET));
    this.home.tellOthers([list], except);
  }

  private list(): Buffer | null {
    const { membership, clock } = this.options;
    const frame = membership.list(this.presence.names, clock.now());
    return frame === null ? null : this.home.encode(frame);
  }

  private mayNot(action: 'direct' | 'kick', name: string): 'forbidden' | undefined {
    return this.may[action](name) ? undefined : 'forbidden';
  }

  private refuse(guest: G, refusal: MemberEvent & { type: 'refused' }): void {
    const { action, target, reason } = refusal;
    const facts = { client_id: guest.info.clientId, action, target, reason };
    if (reason === 'forbidden')
      this.options.logger.warn(facts, `a client wanted to ${VERBS[action]}, which the endpoint does not allow it`);
    else this.options.logger.debug(facts, `a client could not ${VERBS[action]}: ${reason}`);
    guest.hear(refusal);
  }
}

function refusalOf(outcome: 'sent' | 'unknown' | 'unavailable'): 'unknown' | 'unavailable' | undefined {
  return outcome === 'sent' ? undefined : outcome;
}
