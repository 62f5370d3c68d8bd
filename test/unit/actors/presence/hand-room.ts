import { NEVER, Subject } from 'rxjs';
import type { Change, Newcomer, Order } from '../../../../src/actors/presence/port.ts';
import { Presence } from '../../../../src/actors/presence/presence.ts';
import { presenceTopicNames } from '../../../../src/actors/presence/topics.ts';
import { Batch } from '../../../../src/core/batch.ts';
import type { Checkpoint, Log, Reader, ReaderOptions } from '../../../../src/core/log.ts';
import { Message } from '../../../../src/core/message.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { keptLogger } from '../rig.ts';

/*
 * A room whose log and gateways move by hand: what is written waits until it is stored, what is stored until it is
 * acked and until it is delivered, to each gateway at its own pace.
 */

export const TOPICS = presenceTopicNames('room');
export const LEASE = 300;

interface Stored {
  readonly offset: number;
  readonly key: string | null;
  readonly payload: Buffer;
  readonly isTombstone: boolean;
  readonly timestamp: number;
}

/** Topics of one partition each. */
export class HandLog {
  readonly topics = new Map(Object.values(TOPICS).map((name) => [name, [] as Stored[]]));
  time = 1_000_000;

  end(topic: string): number {
    return this.of(topic).length;
  }

  of(topic: string): Stored[] {
    return this.topics.get(topic) ?? [];
  }

  append(topic: string, message: Message): number {
    const records = this.of(topic);
    const offset = records.length;
    const isTombstone = message.meta.tombstone === true;
    const key = message.key?.toString() ?? null;
    records.push({ offset, key, payload: message.payload, isTombstone, timestamp: this.time });
    return offset;
  }

  /** What compaction leaves when everything before `clean` is compacted, with its tombstones or without. */
  compacted(topic: string, clean: number, keepsTombstones: boolean): Stored[] {
    const records = this.of(topic);
    const last = new Map(records.slice(0, clean).map(({ key, offset }) => [key, offset]));
    return records.filter(
      ({ offset, key, isTombstone }) =>
        offset >= clean || (last.get(key) === offset && (keepsTombstones || !isTombstone)),
    );
  }
}

export interface Compaction {
  /** Part of the topic that is compacted, 0 to 1. */
  readonly part: number;
  readonly keepsTombstones: boolean;
}

class HandReader implements Reader {
  readonly batches$ = new Subject<Batch>();
  readonly gaps$ = NEVER;
  readonly live = Promise.resolve();
  readonly topic: string;
  position: number;
  isClosed = false;
  private readonly log: HandLog;
  /** What compaction left of the time before the reader was opened, and how long that was. */
  private readonly past: readonly Stored[];
  private readonly pastEnd: number;

  constructor(log: HandLog, { topics, from }: ReaderOptions, { part, keepsTombstones }: Compaction) {
    this.log = log;
    [this.topic = ''] = topics;
    this.pastEnd = log.end(this.topic);
    this.position = from === 'earliest' ? 0 : this.pastEnd;
    this.past = log.compacted(this.topic, Math.floor(part * this.pastEnd), keepsTombstones);
  }

  get isAtEnd(): boolean {
    return this.position >= this.log.end(this.topic);
  }

  deliver(most: number): void {
    const visible = [...this.past, ...this.log.of(this.topic).slice(this.pastEnd)];
    const records = visible.filter(({ offset }) => offset >= this.position).slice(0, most);
    const last = records.at(-1);
    this.position = last === undefined ? this.log.end(this.topic) : last.offset + 1;
    if (last !== undefined) this.batches$.next(new Batch(records.map((record) => this.message(record))));
  }

  pause(): void {}
  resume(): void {}

  positions(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    return new Map([[this.topic, new Map([[0, this.position]])]]);
  }

  checkpoint(): Checkpoint {
    return new Map([...this.positions()].map(([topic, offsets]) => [topic, { id: undefined, offsets }]));
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  private message({ offset, key, payload, isTombstone, timestamp }: Stored): Message {
    const meta = isTombstone ? { tombstone: true } : {};
    return new Message(payload, { key: key === null ? null : Buffer.from(key), meta, offset, timestamp });
  }
}

/** Who waits to be let in, is in, or was. */
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

export class HandGateway {
  readonly presence: Presence;
  readonly clients = new Map<Newcomer, Client>();
  /** Who has each name as this gateway's clients were told; '' where the member says nothing of itself. */
  readonly view = new Map<string, string>();
  /** Every client that it ever told of. */
  readonly told = new Set<string>();
  readonly faults: string[] = [];
  isFrozen = false;
  isGone = false;
  isLeaving = false;
  timesFenced = 0;
  private readonly log: HandLog;
  private readonly clock = new HandClock();
  private readonly waiting = new Map<string, Message[]>();
  private unacked: Message[] = [];
  private readonly readers: HandReader[] = [];
  private missed = 0;

  constructor(log: HandLog, compaction: Compaction) {
    this.log = log;
    this.clock.time = log.time;
    const offsets = async (topic: string) => [{ partition: 0, earliest: 0, latest: log.end(topic) }];
    this.presence = new Presence({
      endpoint: 'chat',
      room: 'room',
      log: {
        admin: { offsets } as unknown as Log['admin'],
        reader: (options) => {
          const reader = new HandReader(log, options, compaction);
          this.readers.push(reader);
          return reader;
        },
      },
      write: (topic) => {
        const queue: Message[] = [];
        this.waiting.set(topic, queue);
        return { idle: true, idle$: NEVER, write: ({ messages }) => void queue.push(...messages) };
      },
      lease: LEASE,
      isAlone: false,
      clock: this.clock,
      logger: keptLogger().logger,
      stats: createStats(),
      observer: {
        changed: (changes) => this.changed(changes),
        ordered: (orders) => this.ordered(orders),
        fenced: () => this.fenced(),
      },
    });
    this.presence.start();
  }

  /** Records of a topic that are on their way into the log, or not known to be there. */
  pending(topic: string): number {
    return (this.waiting.get(topic)?.length ?? 0) + this.unacked.filter((message) => message.topic === topic).length;
  }

  /** Has read all there is, and shows it. */
  get isUpToDate(): boolean {
    const isBehind = this.readers.some((reader) => !reader.isClosed && !reader.isAtEnd);
    return !this.isGone && !isBehind && this.presence.trouble === undefined;
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

  /** The log takes some of what waits. `twice`: and has members a second time, as after a change of producers. */
  store(most: number, twice = false): void {
    for (const [topic, queue] of this.waiting) {
      const sent = queue.splice(0, most);
      if (sent.length === 0) continue;
      for (const message of sent) Object.assign(message, { topic, offset: this.log.append(topic, message) });
      if (twice && topic === TOPICS.presence) for (const message of sent) this.log.append(topic, message);
      this.unacked.push(...sent);
    }
  }

  ack(): void {
    if (this.isFrozen) return;
    for (const message of this.unacked.splice(0)) message.ack();
  }

  /** Of all topics, or of one. */
  deliver(most: number, topic?: string): void {
    if (this.isFrozen) return;
    for (const reader of [...this.readers]) {
      if (!reader.isClosed && (topic === undefined || topic === reader.topic)) reader.deliver(most);
    }
  }

  tick(milliseconds: number): void {
    if (this.isFrozen) this.missed += milliseconds;
    else this.clock.advance(milliseconds);
  }

  wake(): void {
    this.isFrozen = false;
    this.clock.advance(this.missed);
    this.missed = 0;
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
    for (const queue of this.waiting.values()) queue.splice(0);
    for (const client of this.clients.values()) {
      if (client.state === 'asking' || client.state === 'in') client.state = 'killed';
    }
    void this.presence.close();
  }

  private changed(changes: readonly Change[]): void {
    if (changes.length === 0) this.faults.push('told of nothing');
    for (const change of changes) {
      if (change.type === 'taken') this.turnAway(change.newcomer);
      else if (change.type === 'left') {
        if (!this.view.delete(change.member.name)) this.faults.push(`${change.member.name} left, but was not in`);
      } else this.joined(change);
    }
    const names = JSON.stringify([...this.presence.names].sort());
    const told = JSON.stringify([...this.view.keys()].sort());
    if (names !== told) this.faults.push(`names ${names}, but told ${told}`);
  }

  private joined({ member, newcomer }: Change & { type: 'joined' }): void {
    if (this.view.has(member.name)) this.faults.push(`${member.name} joined twice`);
    this.view.set(member.name, member.details.id ?? '');
    this.told.add(member.details.id ?? '');
    if (newcomer === undefined) return;
    const client = this.clients.get(newcomer);
    if (client?.state !== 'asking') this.faults.push(`let in while ${client?.state}`);
    else Object.assign(client, { state: 'in', name: member.name });
  }

  private turnAway(newcomer: Newcomer): void {
    const client = this.clients.get(newcomer);
    if (client?.state !== 'asking' || client.newcomer.identity.type !== 'named') this.faults.push('turned away');
    else client.state = 'taken';
  }

  private ordered(orders: readonly Order[]): void {
    const kicked: Client[] = [];
    for (const order of orders) {
      const client = this.clients.get(order.type === 'direct' ? order.to : order.target);
      if (client?.state !== 'in') this.faults.push(`an order for one who is ${client?.state}`);
      else if (order.type === 'direct') client.heard.push(order.content);
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
