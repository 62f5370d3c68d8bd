import type { AnyActorRef } from 'xstate';
import type { Clock } from '../../core/clock.ts';
import type { Codec, Frame } from '../../core/component.ts';
import type { Message } from '../../core/message.ts';
import type { WhenFull } from '../../core/send-queue.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import type { EndpointFigures } from '../audience/figures.ts';
import type { Guest, Room } from '../audience/room.ts';
import type { TopicService } from '../topic-service/topic-service.ts';

/** Limits of each connection of an endpoint: counts, bytes and milliseconds. */
export interface ConnectionLimits {
  /** In flight between socket and log. */
  readonly messages: number;
  readonly bytes: number;
  /** Bytes of the send queue and what happens when it is full. */
  readonly queue: number;
  readonly whenFull: WhenFull;
}

/** What all connections of an endpoint share; kept in one place because there are thousands of them. */
export interface ConnectionHome<Member extends Guest> {
  /** Parent of the connections' machines. */
  readonly actor: AnyActorRef;
  readonly codec: Codec;
  readonly limits: ConnectionLimits;
  /** Whether a client is told of a message that a processor ended as of a failure. */
  readonly filteredIsError: boolean;
  /** Whether a frame that the codec refuses goes to the dead letters of the pipeline, besides being answered. */
  readonly keepsRejected: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly figures: EndpointFigures;
  /** Where clients know of each other. */
  readonly room: Pick<Room<Member>, 'direct' | 'kick'> | undefined;
  /** Where clients deal with topics by themselves. */
  readonly topics: TopicService | undefined;
  /** The endpoint's own coarse clock: whole seconds, counted by the sweep. */
  readonly seconds: number;
  /** Whether the pipelines behind the endpoint want no more for now. */
  readonly isCongested: boolean;
  encode(frame: Frame): Buffer;
  /** Whether clients wait until their room lets them in. */
  readonly isGuarded: boolean;
  /** Takes a message on its way to the pipelines. */
  collect(message: Message): void;
  /** The connection has answers to write at the end of the turn. */
  dirty(connection: Member): void;
  held(connection: Member, isHeld: boolean): void;
  closed(connection: Member, code: number, reason: string): void;
  gone(connection: Member): void;
  /** The connection is gone and the last of its messages is settled. */
  left(connection: Member): void;
}
