import type { AnyActorRef } from 'xstate';
import type { Clock } from '../../core/clock.ts';
import type { Codec, Frame } from '../../core/component.ts';
import type { Rejection, TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { WhenFull } from '../../core/send-queue.ts';
import type { TopicRequest } from '../../core/topic-request.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Counter } from '../../telemetry/stats.ts';
import type { Tracing } from '../../telemetry/tracing.ts';

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
export interface ConnectionHome<Member> {
  /** Parent of the connections' machines. */
  readonly actor: AnyActorRef;
  readonly codec: Codec;
  readonly limits: ConnectionLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly stats: {
    readonly framesReceived: Counter;
    readonly bytesReceived: Counter;
    readonly framesSent: Counter;
    readonly bytesSent: Counter;
  };
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
  pong(payload: Buffer): void;
  /** The peer has everything that was written before the ping of that number. */
  confirmed(connection: Member, number: number): void;
  /** What was written has left. */
  drained(connection: Member): void;
  answered(rejection: Rejection | null): void;
  rejected(reason: string): void;
  dropped(reason: 'slow' | 'closed', frames: number): void;
  closed(connection: Member, code: number, reason: string): void;
  gone(connection: Member): void;
  /** The connection is gone and the last of its messages is settled. */
  left(connection: Member): void;
  /** A client has something to say to another one. */
  direct(connection: Member, to: string, content: string): void;
  /** A client wants another one, or everyone, gone. */
  kick(connection: Member, target: string | undefined): void;
  /** A client asks for something about topics. */
  request(connection: Member, request: Exclude<TopicRequest, { type: 'publish' }>, correlation: unknown): void;
  /** Why clients may not publish to a topic, or undefined. */
  mayPublish(topic: string): TidegateError | undefined;
  publish(topic: string, message: Message): void;
}
