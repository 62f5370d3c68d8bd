import type { Batch } from '../../core/batch.ts';
import type { ChannelPosition } from '../../core/channel-position.ts';
import type { GapReason } from '../../core/channel-protocol.ts';
import type { ClientMemory } from '../../core/client-memory.ts';
import { asTidegateError, type TidegateError } from '../../core/errors.ts';
import type { Frame } from '../../core/frame.ts';
import type { Message } from '../../core/message.ts';
import type { PresenceChange } from '../../core/presence.ts';
import { FrameGroup, type SharedFrame } from '../../core/shared-frame.ts';
import { factsOf } from '../../telemetry/message-facts.ts';
import { DeliveryTime } from '../delivery-time.ts';
import { tell } from '../lifecycle.ts';
import type { ChannelEndpoint } from './channel-port.ts';
import { closing } from './connection-machine.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { History } from './history.ts';
import type { Members } from './members.ts';
import type { EndpointGuest, RoomEndpoint } from './room-port.ts';

const CODEC_FAILED = 'the codec failed on a record, which no client gets';

/** What goes to members of an endpoint: to all of them, or to those in a channel. A frame is made once, whatever their number. */
export class Broadcast implements RoomEndpoint<EndpointGuest>, ChannelEndpoint {
  private readonly context: EndpointContext;
  private readonly members: Members;
  /** Undefined where clients that join get no earlier messages. */
  private readonly history: History | undefined;
  private readonly delivery: DeliveryTime;

  constructor(context: EndpointContext, members: Members, history: History | undefined) {
    this.context = context;
    this.members = members;
    this.history = history;
    this.delivery = new DeliveryTime(context.metrics.delivery, context.clock);
  }

  get size(): number {
    return this.members.size;
  }

  get tellsOfJoins(): boolean {
    return this.context.codec.introduction !== undefined;
  }

  get memory(): ClientMemory {
    return this.context.memory;
  }

  get told(): number {
    return this.context.tick.told;
  }

  said(what: string, make: () => Frame | null, facts: object = {}): SharedFrame | null {
    try {
      const frame = make();
      if (frame === null) return null;
      const shared = this.context.share(frame);
      // What cannot be made into bytes fails here, and not in the turn in which all clients get theirs.
      shared.bytes('plain');
      return shared;
    } catch (error) {
      this.context.logger.error({ ...facts, error }, `the codec failed on ${what}, of which no client hears`);
      return null;
    }
  }

  publication(channel: string | undefined, message: Message, position?: ChannelPosition): SharedFrame | null {
    const { codec, clock, channels, keyOf } = this.context;
    const now = clock.now();
    const frame =
      channels === undefined || codec.channels === undefined
        ? codec.record(message, now)
        : codec.channels.publication(channel, message, position, now);
    if (frame === null) return null;
    const framed = this.context.share(frame);
    const keyed = keyOf === undefined ? framed : framed.withKey(keyIn(channel, keyOf(message)));
    const placed = position === undefined ? keyed : keyed.withPosition(position);
    const shared = channel === undefined ? placed : placed.inChannel(channel);
    // What cannot be made into bytes fails here, with its record.
    shared.bytes('plain');
    return shared;
  }

  announcement(channel: string, change: PresenceChange): SharedFrame | null {
    const { codec, clock } = this.context;
    const make = () => codec.channels?.presence?.announce(channel, change, clock.now()) ?? null;
    return this.said('a change in a channel', make, { channel });
  }

  recovered(channel: string, message: Message, position: ChannelPosition): SharedFrame | null {
    try {
      return this.publication(channel, message, position);
    } catch (error) {
      this.context.logger.error({ ...factsOf(message), error }, CODEC_FAILED);
      return null;
    }
  }

  gap(channel: string, position: ChannelPosition, reason: GapReason): SharedFrame | null {
    const { codec, clock } = this.context;
    const frame = codec.channels?.gap(channel, position, reason, clock.now()) ?? null;
    if (frame === null) return null;
    const shared = this.context.share(frame).withPosition(position).inChannel(channel);
    shared.bytes('plain');
    return shared;
  }

  mark(message?: Message): void {
    this.context.tick.mark();
    if (message !== undefined) this.delivery.add(message);
  }

  /** Records for all clients that are in at the end of this turn. */
  deliver(batch: Batch): void {
    const presence = this.context.room?.presence;
    this.deliverEach(batch, (message) => {
      // Its sender's name may be another's by now.
      if (presence?.isTooLate(message)) return 0;
      const frame = this.publication(undefined, message);
      if (frame === null) return 0;
      this.context.tick.tell(frame);
      this.delivery.add(message);
      this.history?.keep(frame, message, presence?.authorOf(message));
      return this.members.size;
    });
  }

  /** One that the codec fails on is nacked, and no client gets it. `each`: to how many clients it goes, of which the greatest is traced. */
  deliverEach(batch: Batch, each: (message: Message, at: number) => number): void {
    const { name, logger, tracing } = this.context;
    const counted = tracing.delivering(batch, name);
    let failed: { readonly message: Message; readonly failure: TidegateError } | undefined;
    let sockets = 0;
    let at = 0;
    for (const message of batch.messages) {
      try {
        sockets = Math.max(sockets, each(message, at));
      } catch (error) {
        const failure = asTidegateError(error, 'TG_CODEC_FAILED');
        failed = { message, failure };
        message.nack(failure);
      }
      at += 1;
    }
    if (failed !== undefined) {
      const { message, failure } = failed;
      logger.error({ ...factsOf(message), error: failure }, CODEC_FAILED);
    }
    counted(sockets);
    batch.ack();
  }

  /** Frames of one tick: for every member, and of channels. */
  fanOut(group: FrameGroup): void {
    const sockets = this.context.channels?.fanOut(group);
    if (sockets === undefined) for (const connection of this.members) connection.deliver(group);
    this.delivery.written(sockets ?? this.members.size);
  }

  sendWaiting(): void {
    this.context.tick.fanOut();
  }

  tellOthers(frames: readonly SharedFrame[], except: ReadonlySet<EndpointGuest>): void {
    if (frames.length === 0) return;
    const group = new FrameGroup(frames);
    for (const connection of this.members)
      if (connection.guest === undefined || !except.has(connection.guest)) connection.deliver(group);
  }

  replay(to: Pick<EndpointGuest, 'deliver'>): void {
    const { clock, room } = this.context;
    const frames = this.history?.frames(clock.now(), room?.presence) ?? [];
    if (frames.length > 0) to.deliver(new FrameGroup(frames));
  }

  closeAllForRestart(): void {
    for (const connection of this.members) tell(connection.actor, closing('restart'));
  }
}

/** A record of one channel takes the place of none of another. Names of channels have no line feed in them. */
function keyIn(channel: string | undefined, key: string | undefined): string | undefined {
  return channel === undefined || key === undefined ? key : `${channel}\n${key}`;
}
