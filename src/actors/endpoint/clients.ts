import type { ChannelPosition } from '../../core/channel-position.ts';
import { tell } from '../lifecycle.ts';
import type { Connection } from './connection.ts';
import type { EndpointChanges, EndpointContext, EndpointOptions } from './endpoint-context.ts';
import type { ConnectionHub } from './hub.ts';
import type { JoinQueue } from './join-queue.ts';
import type { EndpointActor } from './machine.ts';
import type { Members } from './members.ts';
import { Newcomers } from './newcomers.ts';
import { ProtocolErrors } from './protocol-errors.ts';
import { sweepConnection } from './sweep.ts';

/** What becomes of the connections of an endpoint, from their first to their last sign of life. */
export class Clients implements ConnectionHub<Connection> {
  readonly actor: EndpointActor;
  private readonly context: EndpointContext;
  private readonly members: Members;
  private readonly joinQueue: JoinQueue;
  private readonly newcomers = new Newcomers<Connection>();
  /** Connections that are not read. */
  private readonly paused = new Set<Connection>();
  private readonly protocolErrors: ProtocolErrors;
  private options: EndpointOptions;

  constructor(
    context: EndpointContext,
    members: Members,
    joinQueue: JoinQueue,
    actor: EndpointActor,
    options: EndpointOptions,
  ) {
    this.context = context;
    this.members = members;
    this.joinQueue = joinQueue;
    this.actor = actor;
    this.options = options;
    this.protocolErrors = new ProtocolErrors(options.name, options.clock, options.logger);
  }

  /** Connections that are not read. */
  get waiting(): number {
    return this.paused.size;
  }

  /** `since`: positions that its handshake shows. */
  enter(connection: Connection, since: readonly ChannelPosition[] | undefined): void {
    const { context } = this;
    this.members.add(connection);
    context.metrics.opened.value += 1;
    context.logger.debug({ client_id: connection.info.clientId }, 'client connected');
    const { topicPeer, channelPeer } = connection.parts;
    if (topicPeer !== undefined) context.topics?.enter(topicPeer);
    if (since !== undefined) channelPeer?.shows(since);
    if (connection.introduction === undefined) this.joinQueue.enter(connection);
    else this.newcomers.add(connection);
  }

  /** Goes on with other settings. */
  update(changes: EndpointChanges): void {
    this.options = { ...this.options, ...changes };
  }

  /** What they were held for is over. */
  releaseHeld(): void {
    for (const connection of [...this.paused]) connection.wake();
  }

  /** The machine of a connection failed. */
  memberFailed(name: string, error: unknown): void {
    const connection = this.members.get(name);
    this.context.logger.error({ error, client_id: connection?.info.clientId }, 'a connection failed and is cut');
    connection?.socket.terminate();
  }

  /** Once a second: ends those whose peer is gone, too slow or silent. */
  sweep(): void {
    const { context } = this;
    context.seconds += 1;
    for (const connection of this.members) {
      try {
        const reason = sweepConnection(connection, context.seconds, this.options.sweep);
        if (reason !== undefined) context.metrics.limited(reason);
      } catch (error) {
        this.failed(connection, error);
      }
    }
    context.room?.sweep();
  }

  nextName(): string {
    return this.members.nextName();
  }

  held(connection: Connection, isHeld: boolean): void {
    if (isHeld) {
      this.paused.add(connection);
      // What it waits for may be what is still being collected.
      this.context.topics?.flush();
    } else this.paused.delete(connection);
  }

  protocolBroken({ info, remote }: Connection, code: number, message: string): void {
    this.protocolErrors.add({ client_id: info.clientId, remote }, code, message);
  }

  closed(connection: Connection, code: number, reason: string): void {
    const { metrics, logger } = this.context;
    metrics.closed(code);
    logger.debug({ client_id: connection.info.clientId, code, reason }, 'client disconnected');
    this.options.closed?.(connection.id, connection.info, code, reason);
  }

  failed({ actor }: Connection, error: unknown): void {
    this.memberFailed(actor.id, error);
  }

  introduced(connection: Connection): void {
    this.newcomers.delete(connection);
    this.joinQueue.enter(connection);
  }

  gone(connection: Connection): void {
    this.members.delete(connection);
    this.newcomers.delete(connection);
    this.joinQueue.leave(connection);
    const { topicPeer } = connection.parts;
    if (topicPeer !== undefined) this.context.topics?.leave(topicPeer);
    if (this.members.size === 0) tell(this.actor, { type: 'EMPTY' });
  }

  left({ guest }: Connection): void {
    if (guest !== undefined) this.context.room?.leave(guest);
  }
}
