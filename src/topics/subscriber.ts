import type { Consumer, Delivery } from '../actors/consumer-group/consumer.ts';
import type { GroupHandle } from '../actors/consumer-group/group-handle.ts';
import type { DeliveryTime } from '../actors/delivery-time.ts';
import type { TopicClient } from '../actors/endpoint/topic-clients.ts';
import type { Clock } from '../core/clock.ts';
import { TidegateError } from '../core/errors.ts';
import { Fifo } from '../core/fifo.ts';
import type { TopicPartition } from '../core/log.ts';
import type { Message } from '../core/message.ts';
import { partitionKey } from '../core/partition-key.ts';
import type { Position, SubscriptionRequest } from '../core/topic-request.ts';
import type { Pacing } from './pacing.ts';

/** Most bytes of payload in one frame; a single record may be larger. */
const MAX_FRAME = 262_144;

/** One sequence for the process: a late pong of an old subscription never answers a ping of the one that replaced it. */
let lastPing = 0;

interface Held {
  readonly position: Position;
  readonly epoch: number;
}

/**
 * A client's subscription: takes records of its partitions while the socket keeps up and credit lasts, and confirms
 * them when the client has them. That is known when it answers a ping that was written behind them, which every WebSocket
 * does by itself after it has read all frames before (RFC 6455 5.5.3), or when it sends a commit.
 */
export class Subscriber implements Consumer {
  readonly topics: readonly string[];
  readonly groupName: string;
  private readonly client: TopicClient;
  private readonly pacing: Pacing;
  private readonly clock: Clock;
  private readonly delivery: DeliveryTime;
  private readonly isManual: boolean;
  private credit: number;
  private isPaused: boolean;
  private hasBegun = false;
  private group: GroupHandle | undefined;
  private pending: Delivery[] = [];
  private pendingRecords = 0;
  private cancelFlush: (() => void) | undefined;
  /** Whether the group found no room. */
  private wasFull = false;
  /** The records before each ping, oldest first. */
  private readonly pinged = new Fifo<{ readonly number: number; readonly held: readonly Held[] }>();
  /** The position after the last delivered record of each partition, for clients that commit by themselves. */
  private readonly delivered = new Map<string, Held>();

  constructor(
    client: TopicClient,
    request: SubscriptionRequest & { readonly group: string },
    pacing: Pacing,
    isPaused: boolean,
    clock: Clock,
    delivery: DeliveryTime,
  ) {
    this.client = client;
    this.topics = request.topics;
    this.groupName = request.group;
    this.isManual = request.commit === 'manual';
    this.credit = request.credit ?? Number.POSITIVE_INFINITY;
    this.pacing = pacing;
    this.isPaused = isPaused;
    this.clock = clock;
    this.delivery = delivery;
  }

  /** Its place in the group. */
  join(group: GroupHandle): void {
    this.group = group;
  }

  /** The client has the answer to its request: before that it could not tell what the records are. */
  begin(): void {
    this.hasBegun = true;
    this.delivery.begin();
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

  assigned(partitions: readonly TopicPartition[]): void {
    const mine = new Set(partitions.map(partitionKey));
    for (const name of this.delivered.keys()) if (!mine.has(name)) this.delivered.delete(name);
    // The group delivers records that were not written yet to the new owner of the partition.
    this.keep((partition) => mine.has(partitionKey(partition)));
    this.wake();
  }

  // --- from the client

  /** The client has everything that was written before the ping with that number. */
  ponged(number: number): void {
    for (
      let oldest = this.pinged.peek();
      oldest !== undefined && oldest.number <= number;
      oldest = this.pinged.peek()
    ) {
      this.pinged.shift();
      for (const { position, epoch } of oldest.held) this.group?.confirm(position, epoch);
    }
    this.wake();
  }

  /** Throws TG_NOT_SUBSCRIBED for a partition of which nothing was delivered. */
  commit(positions: readonly Position[] | undefined): void {
    if (!this.isManual)
      throw new TidegateError(
        'TG_NOT_SUBSCRIBED',
        'this subscription commits automatically; subscribe with "commit": "manual" to send commits',
      );
    for (const position of positions ?? [...this.delivered.values()].map((held) => held.position)) {
      const { epoch } = this.delivered.get(partitionKey(position)) ?? notHeld(position);
      this.group?.confirm(position, epoch);
    }
  }

  /** Throws TG_NOT_SUBSCRIBED for a partition that this client does not hold; none is moved then. */
  seek(positions: readonly Position[]): void {
    const mine = new Set(this.group?.partitions.map(partitionKey));
    for (const position of positions) if (!mine.has(partitionKey(position))) notHeld(position);
    // The group delivers those partitions again.
    const moved = new Set(positions.map(partitionKey));
    this.keep((partition) => !moved.has(partitionKey(partition)));
    for (const position of positions) this.group?.seek(position);
    this.delivery.begin();
    this.wake();
  }

  /** Records that were taken before are still sent. */
  pause(): void {
    this.isPaused = true;
    this.flush();
  }

  resume(): void {
    this.isPaused = false;
    this.delivery.begin();
    this.wake();
  }

  /** For a client without credit the first grant sets the credit, which was unlimited. */
  grant(records: number): void {
    // Records have waited for the client, not the other way round.
    if (this.credit <= 0) this.delivery.begin();
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
    // The first one of a partition is its oldest.
    for (const { messages } of deliveries) if (messages[0] !== undefined) this.delivery.add(messages[0]);
    this.delivery.written(1);
    const held = deliveries.map(heldOf);
    if (this.isManual) for (const one of held) this.delivered.set(partitionKey(one.position), one);
    else {
      lastPing += 1;
      this.pinged.push({ number: lastPing, held });
      this.client.ping(lastPing);
    }
    this.wake();
  }

  /** Drops records of other partitions that are not written yet, and takes their credit back. */
  private keep(isKept: (partition: TopicPartition) => boolean): void {
    const kept = this.pending.filter(({ partition }) => isKept(partition));
    const dropped = this.pendingRecords - kept.reduce((sum, { messages }) => sum + messages.length, 0);
    this.pending = kept;
    this.pendingRecords -= dropped;
    this.credit += dropped;
  }
}

function heldOf({ partition, epoch, messages }: Delivery): Held {
  const last = messages.at(-1);
  return { position: { ...partition, offset: (last?.offset ?? -1) + 1 }, epoch };
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
