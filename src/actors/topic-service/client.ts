import type { ConnectionInfo } from '../../core/component.ts';
import type { Message } from '../../core/message.ts';
import type { TopicOutcome } from '../../core/topic-request.ts';

/** A connection, as the topic service sees it. */
export interface Client {
  readonly info: ConnectionInfo;
  /** Whether what is written now goes out at once. When it is not, `drained` of the service tells that it is again. */
  readonly isFree: boolean;
  respond(correlation: unknown, outcome: TopicOutcome): void;
  /** Writes records in one frame. */
  notify(messages: readonly Message[]): void;
  /** Writes a ping; its pong is told to the service, with that number. */
  ping(number: number): void;
}

/** How messages are collected before they go on. */
export interface Pacing {
  /** So many go on at once. */
  readonly limit: number;
  /** Milliseconds that the first of them waits at most; 0 for the end of the turn. */
  readonly interval: number;
}
