import type { Batch } from '../../core/batch.ts';
import type { Frame } from '../../core/component.ts';
import { asTidegateError, type TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { FrameGroup, type SharedFrame } from '../../core/shared-frame.ts';
import { factsOf } from '../../telemetry/message-facts.ts';
import { DeliveryTime } from '../delivery-time.ts';
import { tell } from '../lifecycle.ts';
import { closing } from './connection-machine.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { History } from './history.ts';
import type { Members } from './members.ts';
import type { EndpointGuest, RoomEndpoint } from './room-port.ts';

/** What goes to all members of an endpoint: a frame of each record, made once, whatever their number. */
export class Broadcast implements RoomEndpoint<EndpointGuest> {
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

  share(frame: Frame): SharedFrame {
    return this.context.share(frame);
  }

  /** Records for all clients that are in at the end of this turn. One that the codec fails on is nacked, and no client gets it. */
  deliver(batch: Batch): void {
    const { name, codec, tick, clock, logger, tracing, room, keyOf } = this.context;
    const presence = room?.presence;
    const counted = tracing.delivering(batch, name);
    let failed: { readonly message: Message; readonly failure: TidegateError } | undefined;
    for (const message of batch.messages) {
      // Its sender's name may be another's by now.
      if (presence?.isTooLate(message)) continue;
      try {
        const frame = codec.record(message, clock.now());
        if (frame === null) continue;
        const framed = this.share(frame);
        const shared = keyOf === undefined ? framed : framed.withKey(keyOf(message));
        // What cannot be made into bytes fails here, with its record.
        shared.bytes('plain');
        tick.tell(shared);
        this.delivery.add(message);
        this.history?.keep(shared, message, presence?.authorOf(message));
      } catch (error) {
        const failure = asTidegateError(error, 'TG_CODEC_FAILED');
        failed = { message, failure };
        message.nack(failure);
      }
    }
    if (failed !== undefined) {
      const { message, failure } = failed;
      logger.error({ ...factsOf(message), error: failure }, 'the codec failed on a record, which no client gets');
    }
    counted(this.members.size);
    batch.ack();
  }

  /** Frames of one tick for every member. */
  fanOut(group: FrameGroup): void {
    for (const connection of this.members) connection.deliver(group);
    this.delivery.written(this.members.size);
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
