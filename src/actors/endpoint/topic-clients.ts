import type { ConnectionInfo } from '../../core/connection-info.ts';
import type { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Permissions } from '../../core/permissions.ts';
import type { TopicOutcome, TopicRequest, TopicView } from '../../core/topic-request.ts';
import type { EndpointPort } from '../../sdk/context.ts';

/** A connection whose client works with topics, as their service sees it. */
export interface TopicClient {
  readonly info: ConnectionInfo;
  /** What it may do now: it may have other ones after it has renewed who it is. */
  readonly permissions: Permissions;
  /** What limits are counted by: what comes from one address counts as one client, whatever connections it has. */
  readonly address: string;
  /** Whether what is written now goes out at once. When it is not, `drained` of the service tells that it is again. */
  readonly isFree: boolean;
  respond(correlation: unknown, outcome: TopicOutcome): void;
  /** Answers a question about what there is. */
  show(correlation: unknown, view: TopicView): void;
  /** Writes records in one frame. */
  notify(messages: readonly Message[]): void;
  /** Writes a ping; the service is called with that number when its pong comes. */
  ping(number: number): void;
}

/** What the clients of an endpoint may do with topics by themselves. */
export interface TopicClients {
  /** Messages that were published and whose outcome is not known yet. */
  readonly unsettled: number;
  /** The endpoint whose clients are read no further while too many of their messages are not yet in the log. */
  serves(endpoint: Pick<EndpointPort, 'pause' | 'resume'>): void;
  enter(client: TopicClient): void;
  leave(client: TopicClient): void;
  /** Why a client may not publish there, or undefined. Asked for every message. */
  refusal(client: TopicClient, topic: string): TidegateError | undefined;
  /** Whether a client may go on with its subscription, after its permissions have changed. */
  mayContinue(client: TopicClient): boolean;
  publish(topic: string, message: Message): void;
  /** Does what a client asks for; the answer comes by `respond` or `show`. */
  request(client: TopicClient, request: Exclude<TopicRequest, { type: 'publish' }>, correlation: unknown): void;
  /** Collects no longer: a client waits until it may go on. */
  flush(): void;
  /** The client answered a ping of its subscription. */
  ponged(client: TopicClient, number: number): void;
  /** What was written to the client has left. */
  drained(client: TopicClient): void;
  /** Resolves when everything published so far is with its topic, or refused. */
  emptied(): Promise<void>;
  /** The gateway stops: messages that have not reached their topic are given up. */
  abandon(): void;
}
