import { NEVER, Subject } from 'rxjs';
import { Batch } from '../../../src/core/batch.ts';
import type { Headers } from '../../../src/core/headers.ts';
import type { Checkpoint, Log, Reader, ReaderOptions } from '../../../src/core/log.ts';
import { Message } from '../../../src/core/message.ts';
import type { Change, Newcomer, RoomCommand } from '../../../src/rooms/port.ts';
import { Presence } from '../../../src/rooms/presence.ts';
import { presenceTopicNames } from '../../../src/rooms/topics.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { keptLogger } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

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
  readonly headers: Headers;
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
    records.push({
      offset,
      key,
      payload: message.payload,
      isTombstone,
      headers: message.headers,
      timestamp: this.time,
    });
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
  /** What compaction has left of the records before the reader was opened, and their end. */
  private readonly history: readonly Stored[];
  private readonly historyEnd: number;

  constructor(log: HandLog, { topics, from }: ReaderOptions, { part, keepsTombstones }: Compaction) {
    this.log = log;
    [this.topic = ''] = topics;
    this.historyEnd = log.end(this.topic);
    this.position = from === 'earliest' ? 0 : this.historyEnd;
    this.history = log.compacted(this.topic, Math.floor(part * this.historyEnd), keepsTombstones);
  }

  get isAtEnd(): boolean {
    return this.position >= this.log.end(this.topic);
  }

  deliver(most: number): void {
    const visible = [...this.history, ...this.log.of(this.topic).slice(this.historyEnd)];
    const records = visible.filter(({ offset }) => offset >= this.position).slice(0, most);
    const last = records.at(-1);
    this.position = last === undefined ? this.log.end(this.topic) : last.offset + 1;
    if (last !== undefined) this.batches$.next(new Batch(records.map((record) => this.message(record))));
  }

  pause(): void {}
  resume(): void {}
  leave(): void {}

  positions(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    return new Map([[this.topic, new Map([[0, this.position]])]]);
  }

  checkpoint(): Checkpoint {
    return new Map([...this.positions()].map(([topic, offsets]) => [topic, { id: undefined, offsets }]));
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  private message({ offset, key, payload, isTombstone, headers, timestamp }: Stored): Message {
    const meta = isTombstone ? { tombstone: true } : {};
    return new Message(payload, { key: key === null ? null : Buffer.from(key), headers, meta, offset, timestamp });
  }
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

export class HandGateway {
  readonly presence: Presence;
  readonly clients = new Map<Newcomer, Client>();
  /** The client that holds each name, by what this gateway's clients were sent; '' where the member has no ID. */
  readonly view = new Map<string, string>();
  /** Every client whose joining was ever announced. */
  readonly announced = new Set<string>();
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
        commanded: (commands) => this.commanded(commands),
        fenced: () => this.fenced(),
      },
    });
    this.presence.start();
  }

  /** Records of a topic that are in flight, or not acknowledged. */
  pending(topic: string): number {
    return (this.waiting.get(topic)?.length ?? 0) + this.unacked.filter((message) => message.topic === topic).length;
  }

  /** Has read all there is, and shows it. */
  get isUpToDate(): boolean {
    const isBehind = this.readers.some((reader) => !reader.isClosed && !reader.isAtEnd);
    return !this.isGone && !isBehind && this.presence.notReadyReason === undefined;
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
