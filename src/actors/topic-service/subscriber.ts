import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import { Fifo } from '../../core/fifo.ts';
import type { TopicPartition } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import type { Position, SubscriptionRequest } from '../../core/topic-request.ts';
import type { Consumer, Delivery, GroupSeat } from '../consumer-group/port.ts';
import type { Client, Pacing } from './client.ts';

/** Bytes of payload that go out in one frame at most, as far as records can be cut. */
const MAX_FRAME = 262_144;

/** Of this process: a late pong of one subscription never stands for a ping of the one that replaced it. */
let lastPing = 0;

interface Held {
  readonly position: Position;
  readonly deal: number;
}

/**
 * A client's subscription: takes records of its partitions while the socket keeps up and credit lasts, and confirms
 * them once the peer has them. That is known when it answers a ping that was written behind them, which every
 * WebSocket does by itself after it has taken all frames before (RFC 6455 5.5.3), or when it says commit.
 */
export class Subscriber implements Consumer {
  readonly topics: readonly string[];
  private readonly client: Client;
  private readonly pacing: Pacing;
  private readonly clock: Clock;
  private readonly isManual: boolean;
  private credit: number;
  private isPaused: boolean;
  private hasBegun = false;
  private group: GroupSeat | undefined;
  private pending: Delivery[] = [];
  private pendingRecords = 0;
  private cancelFlush: (() => void) | undefined;
  /** Whether the group was told that there is no room. */
  private wasFull = false;
  /** What each ping stands behind, oldest first. */
  private readonly pinged = new Fifo<{ readonly number: number; readonly held: readonly Held[] }>();
  /** The end of what was delivered of each partition, for a client that commits by itself. */
  private readonly delivered = new Map<string, Held>();

  constructor(client: Client, request: SubscriptionRequest, pacing: Pacing, isPaused: boolean, clock: Clock) {
    this.client = client;
    this.topics = request.topics;
    this.isManual = request.commit === 'manual';
    this.credit = request.credit ?? Number.POSITIVE_INFINITY;
    this.pacing = pacing;
    this.isPaused = isPaused;
    this.clock = clock;
  }

  /** Takes its place in the group. */
  sit(group: GroupSeat): void {
    this.group = group;
  }

  /** The client was told that it is subscribed. Before that it would not know what records it gets, and how they look. */
  begin(): void {
    this.hasBegun = true;
    this.wake();
  }

  leave(): void {
    this.cancelFlush?.();
    this.pending = [];
    this.group?.leave();
    this.group = undefined;
  }

  // --- from the group

  get room(): number {
    const mayTake = this.hasBegun && !this.isPaused && this.client.isFree;
    const room = mayTake ? Math.min(this.credit, this.pacing.limit - this.pendingRecords) : 0;
    if (room <= 0) this.wasFull = true;
    return Math.max(0, room);
  }

  take(delivery: Delivery): void {
    this.pending.push(delivery);
    this.pendingRecords += delivery.messages.length;
    this.credit -= delivery.messages.length;
    if (this.pendingRecords >= this.pacing.limit) this.flush();
    else this.cancelFlush ??= this.later();
  }

  dealt(partitions: readonly TopicPartition[]): void {
    const mine = new Set(partitions.map(nameOf));
    for (const name of this.delivered.keys()) if (!mine.has(name)) this.delivered.delete(name);
    // What was not written yet goes to whoever holds the partition now.
    this.keep((partition) => mine.has(nameOf(partition)));
    this.wake();
  }

  // --- from the client

  /** The peer has everything that was written before its ping of that number, and before all earlier ones. */
  ponged(number: number): void {
    for (
      let oldest = this.pinged.peek();
      oldest !== undefined && oldest.number <= number;
      oldest = this.pinged.peek()
    ) {
      this.pinged.shift();
      for (const { position, deal } of oldest.held) this.group?.confirm(position, deal);
    }
    this.wake();
  }

  /** Throws TG_NOT_SUBSCRIBED for a partition of which nothing was delivered. */
  commit(positions: readonly Position[] | undefined): void {
    if (!this.isManual)
      throw new TidegateError(
        'TG_NOT_SUBSCRIBED',
        'this subscription commits by itself; subscribe with "commit": "manual" to do it yourself',
      );
    for (const position of positions ?? [...this.delivered.values()].map((held) => held.position)) {
      const { deal } = this.delivered.get(nameOf(position)) ?? notHeld(position);
      this.group?.confirm(position, deal);
    }
  }

  /** Throws TG_NOT_SUBSCRIBED for a partition that this client does not hold; none is moved then. */
  seek(positions: readonly Position[]): void {
    const mine = new Set(this.group?.partitions.map(nameOf));
    for (const position of positions) if (!mine.has(nameOf(position))) notHeld(position);
    // The group delivers those partitions anew.
    const moved = new Set(positions.map(nameOf));
    this.keep((partition) => !moved.has(nameOf(partition)));
    for (const position of positions) this.group?.seek(position);
    this.wake();
  }

  /** What it was given before goes out before. */
  pause(): void {
    this.isPaused = true;
    this.flush();
  }

  resume(): void {
    this.isPaused = false;
    this.wake();
  }

  /** The first grant of a client that named no credit ends its being served without one. */
  grant(records: number): void {
    this.credit = (Number.isFinite(this.credit) ? this.credit : 0) + records;
    this.wake();
  }

  /** There may be room again. */
  wake(): void {
    if (!this.wasFull || this.group === undefined) return;
    this.wasFull = false;
    if (this.room > 0) this.group.ready();
  }

  // --- within

  private later(): () => void {
    const flush = () => this.flush();
    if (this.pacing.interval > 0) return this.clock.after(this.pacing.interval, flush);
    const immediate = setImmediate(flush);
    return () => clearImmediate(immediate);
  }

  private flush(): void {
    this.cancelFlush?.();
    this.cancelFlush = undefined;
    const deliveries = this.pending;
    this.pending = [];
    this.pendingRecords = 0;
    if (deliveries.length === 0) return;
    for (const messages of framesOf(deliveries)) this.client.notify(messages);
    const held = deliveries.map(heldOf);
    if (this.isManual) for (const one of held) this.delivered.set(nameOf(one.position), one);
    else {
      lastPing += 1;
      this.pinged.push({ number: lastPing, held });
      this.client.ping(lastPing);
    }
    this.wake();
  }

  /** Forgets records of other partitions that are not written yet, and has credit for them again. */
  private keep(isKept: (partition: TopicPartition) => boolean): void {
    const kept = this.pending.filter(({ partition }) => isKept(partition));
    const dropped = this.pendingRecords - kept.reduce((sum, { messages }) => sum + messages.length, 0);
    this.pending = kept;
    this.pendingRecords -= dropped;
    this.credit += dropped;
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function heldOf({ partition, deal, messages }: Delivery): Held {
  const last = messages.at(-1);
  return { position: { ...partition, offset: (last?.offset ?? -1) + 1 }, deal };
}

/** Records in as few frames as their bytes allow. */
function* framesOf(deliveries: readonly Delivery[]): Generator<readonly Message[]> {
  let frame: Message[] = [];
  let bytes = 0;
  for (const { messages } of deliveries) {
    for (const message of messages) {
      bytes += message.payload.length;
      if (frame.length > 0 && bytes > MAX_FRAME) {
        yield frame;
        frame = [];
        bytes = message.payload.length;
      }
      frame.push(message);
    }
  }
  if (frame.length > 0) yield frame;
}

function notHeld({ topic, partition }: TopicPartition): never {
  throw new TidegateError(
    'TG_NOT_SUBSCRIBED',
    `this client holds no records of ${topic}/${partition} at the moment; the partition may have moved to another member of the group`,
  );
}
