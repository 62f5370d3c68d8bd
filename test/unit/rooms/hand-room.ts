import type { Change, Newcomer, RoomCommand } from '../../../src/rooms/port.ts';
import { Presence } from '../../../src/rooms/presence.ts';
import { presenceTopicNames } from '../../../src/rooms/topics.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { keptLogger } from '../actors/rig.ts';
import { type Compaction, HandLog, HandPorts } from '../presence/hand-log.ts';

/** A room whose log and gateways move by hand. */
export const TOPICS = presenceTopicNames('room');
export const LEASE = 300;

export function handLog(): HandLog {
  return new HandLog(Object.values(TOPICS));
}

/** A client that wants to be a member, is one, or was one. */
export interface Client {
  readonly id: string;
  readonly newcomer: Newcomer;
  readonly gateway: HandGateway;
  state: 'asking' | 'in' | 'taken' | 'left' | 'fenced' | 'killed';
  name: string | undefined;
  readonly heard: string[];
  /** Gateways that were in the room when it asked, and how often they had been fenced. */
  readonly witnesses: ReadonlyMap<HandGateway, number>;
}

export class HandGateway extends HandPorts {
  readonly presence: Presence;
  readonly clients = new Map<Newcomer, Client>();
  /** The client that holds each name, by what this gateway's clients were sent; '' where the member has no ID. */
  readonly view = new Map<string, string>();
  /** Every client whose joining was ever announced. */
  readonly announced = new Set<string>();
  readonly faults: string[] = [];
  isGone = false;
  isLeaving = false;
  timesFenced = 0;

  constructor(log: HandLog, compaction: Compaction) {
    super(log, compaction);
    this.presence = new Presence({
      endpoint: 'chat',
      room: 'room',
      log: this.logPort,
      write: (topic) => this.writePort(topic),
      lease: LEASE,
      isAlone: false,
      clock: this.clock,
      logger: keptLogger().logger,
      stats: createStats(),
      observer: {
        changed: (changes) => this.changed(changes),
        commanded: (commands) => this.commanded(commands),
        fenced: () => this.fenced(),
      },
    });
    this.presence.start();
  }

  /** Has read all there is, and shows it. */
  get isUpToDate(): boolean {
    return !this.isGone && this.isAtEnd && this.presence.notReadyReason === undefined;
  }

  join(id: string, name: string | undefined, present: readonly HandGateway[]): Client {
    const identity: Newcomer['identity'] =
      name === undefined
        ? { type: 'numbered', prefix: 'client-' }
        : { type: 'named', name, details: { id }, taken: { code: 1003, reason: 'taken' } };
    const newcomer = { identity };
    const witnesses = new Map(present.map((gateway) => [gateway, gateway.timesFenced]));
    const client: Client = { id, newcomer, gateway: this, state: 'asking', name: undefined, heard: [], witnesses };
    this.clients.set(newcomer, client);
    this.presence.join(newcomer);
    return client;
  }

  leave(client: Client): void {
    if (client.state !== 'asking' && client.state !== 'in') return;
    client.state = 'left';
    this.presence.leave(client.newcomer);
  }

  /** `twice`: and has members a second time, as after a change of producers. */
  override store(most: number, twice?: string | boolean): void {
    super.store(most, twice === true ? TOPICS.presence : undefined);
  }

  async resign(): Promise<void> {
    this.isLeaving = true;
    for (const client of this.clients.values()) this.leave(client);
    await this.presence.resign();
    this.isGone = true;
    await this.presence.close();
  }

  /** Some of what it wrote may still arrive. */
  kill(arriving: number): void {
    this.store(arriving);
    this.isGone = true;
    this.dropWaiting();
    for (const client of this.clients.values()) {
      if (client.state === 'asking' || client.state === 'in') client.state = 'killed';
    }
    void this.presence.close();
  }

  private changed(changes: readonly Change[]): void {
    if (changes.length === 0) this.faults.push('called without changes');
    for (const change of changes) {
      if (change.type === 'taken') this.nameTaken(change.newcomer);
      else if (change.type === 'left') {
        if (!this.view.delete(change.member.name)) this.faults.push(`${change.member.name} left, but was not in`);
      } else this.joined(change);
    }
    const names = JSON.stringify([...this.presence.names].sort());
    const shown = JSON.stringify([...this.view.keys()].sort());
    if (names !== shown) this.faults.push(`names ${names}, but clients were shown ${shown}`);
  }

  private joined({ member, newcomer }: Change & { type: 'joined' }): void {
    if (this.view.has(member.name)) this.faults.push(`${member.name} joined twice`);
    this.view.set(member.name, member.details.id ?? '');
    this.announced.add(member.details.id ?? '');
    if (newcomer === undefined) return;
    const client = this.clients.get(newcomer);
    if (client?.state !== 'asking') this.faults.push(`became a member while ${client?.state}`);
    else Object.assign(client, { state: 'in', name: member.name });
  }

  private nameTaken(newcomer: Newcomer): void {
    const client = this.clients.get(newcomer);
    if (client?.state !== 'asking' || client.newcomer.identity.type !== 'named')
      this.faults.push('name taken, but it did not ask for one');
    else client.state = 'taken';
  }

  private commanded(commands: readonly RoomCommand[]): void {
    const kicked: Client[] = [];
    for (const command of commands) {
      const client = this.clients.get(command.type === 'direct' ? command.to : command.target);
      if (client?.state !== 'in') this.faults.push(`a command for a client that is ${client?.state}`);
      else if (command.type === 'direct') client.heard.push(command.content);
      else kicked.push(client);
    }
    for (const client of kicked) this.leave(client);
  }

  private fenced(): void {
    this.timesFenced += 1;
    for (const client of this.clients.values()) {
      if (client.state === 'asking' || client.state === 'in') client.state = 'fenced';
    }
  }
}
