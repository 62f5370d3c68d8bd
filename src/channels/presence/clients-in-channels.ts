import type { ChannelPresence, PresentClient } from '../../core/presence.ts';
import type { Claim, ClaimChange, Claims } from '../../presence/claim.ts';
import { PresenceRecords } from '../../presence/records.ts';
import { Roster } from '../../presence/roster.ts';

/** What a gateway writes of one subscription. */
export interface ClientInChannel {
  readonly channel: string;
  readonly client: PresentClient;
}

type Change = ClaimChange<ClientInChannel>;

interface OneChannel {
  readonly claims: Map<string, Claim<ClientInChannel>>;
  /** How many clients each user has in it. */
  readonly users: Map<string, number>;
}

/** Which clients are in which channel: every claim counts, as a client may be in any number of them. */
export class ClientsInChannels implements Claims<ClientInChannel> {
  private readonly channels = new Map<string, OneChannel>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get all(): readonly Claim<ClientInChannel>[] {
    return [...this.channels.values()].flatMap(({ claims }) => [...claims.values()]);
  }

  has({ key, member: { channel } }: Claim<ClientInChannel>): boolean {
    return this.channels.get(channel)?.claims.has(key) === true;
  }

  /** `most`: how many members are listed; undefined: none, only the counts. `extra`: one that has no claim here yet. */
  of(channel: string, most: number | undefined, extra?: PresentClient): ChannelPresence {
    const { claims, users } = this.channels.get(channel) ?? { claims: new Map<string, never>(), users: new Map() };
    const clients = claims.size + (extra === undefined ? 0 : 1);
    const counts = { clients, users: users.size + (extra === undefined || users.has(extra.user) ? 0 : 1) };
    if (most === undefined) return { ...counts, members: undefined, isPartial: false };
    const members: PresentClient[] = [];
    for (const { member } of claims.values()) {
      if (members.length >= most) break;
      members.push(member.client);
    }
    if (extra !== undefined && members.length < most) members.push(extra);
    return { ...counts, members, isPartial: clients > most };
  }

  add(claim: Claim<ClientInChannel>): Change {
    const { channel, client } = claim.member;
    let one = this.channels.get(channel);
    if (one === undefined) {
      one = { claims: new Map(), users: new Map() };
      this.channels.set(channel, one);
    }
    one.claims.set(claim.key, claim);
    one.users.set(client.user, (one.users.get(client.user) ?? 0) + 1);
    this.count += 1;
    return { type: 'joined', claim };
  }

  remove(claims: readonly Claim<ClientInChannel>[]): Change[] {
    return claims.flatMap((claim) => (this.removeOne(claim) ? [{ type: 'left', claim }] : []));
  }

  private removeOne({ key, member: { channel, client } }: Claim<ClientInChannel>): boolean {
    const one = this.channels.get(channel);
    if (one?.claims.delete(key) !== true) return false;
    this.count -= 1;
    const left = (one.users.get(client.user) ?? 1) - 1;
    if (left === 0) one.users.delete(client.user);
    else one.users.set(client.user, left);
    if (one.claims.size === 0) this.channels.delete(channel);
    return true;
  }
}

export type ChannelRoster = Roster<ClientInChannel, ClientsInChannels>;

export function channelRoster(incarnation: string): ChannelRoster {
  return new Roster(incarnation, new ClientsInChannels());
}

/** The records of an endpoint: `{"channel", "client", "user", "info"}`. */
export function channelRecords(endpoint: string): PresenceRecords<ClientInChannel> {
  return new PresenceRecords(endpoint, memberIn);
}

/** As it is written to the log. */
export function recordOf({ channel, client }: ClientInChannel): object {
  return { channel, ...client };
}

function memberIn(value: Readonly<Record<string, unknown>>): ClientInChannel | undefined {
  const { channel, client, user, info } = value;
  if (typeof channel !== 'string' || typeof client !== 'string' || typeof user !== 'string') return undefined;
  return { channel, client: info === undefined ? { client, user } : { client, user, info } };
}
