import type { Broadcast } from './broadcast.ts';
import type { Connection } from './connection.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { History } from './history.ts';

/**
 * Clients that join an endpoint wait here: until the earlier messages that they are to get have been read, and until
 * their room lets them in. Where an endpoint has neither, they are in from the start.
 */
export class JoinQueue {
  private readonly context: EndpointContext;
  private readonly broadcast: Broadcast;
  /** Undefined where clients that join get no earlier messages. */
  private readonly history: History | undefined;
  /** Undefined while no earlier messages are read. */
  private waiting: Set<Connection> | undefined;
  private readers = 0;
  /** Whether the history was read. */
  hasHistory = false;

  constructor(context: EndpointContext, broadcast: Broadcast, history: History | undefined) {
    this.context = context;
    this.broadcast = broadcast;
    this.history = history;
  }

  /** Why no client can be let in yet, or undefined. */
  get notReadyReason(): string | undefined {
    const { room } = this.context;
    return this.waiting === undefined ? room?.presence.notReadyReason : 'the history of the endpoint is being read';
  }

  /** A reader of the history begins: clients wait until all readers have said that it is read. */
  historyBegins(): void {
    this.readers += 1;
    this.waiting ??= new Set();
  }

  historyIsRead(): void {
    const { waiting } = this;
    this.readers -= 1;
    if (waiting === undefined || this.readers > 0) return;
    this.waiting = undefined;
    this.hasHistory = true;
    this.history?.sort();
    for (const connection of waiting) this.letIn(connection);
  }

  enter(connection: Connection): void {
    if (this.waiting !== undefined) this.waiting.add(connection);
    else if (!connection.isAdmitted) this.letIn(connection);
  }

  leave(connection: Connection): void {
    this.waiting?.delete(connection);
  }

  private letIn(connection: Connection): void {
    const { room } = this.context;
    if (room !== undefined && connection.guest !== undefined) {
      room.enter(connection.guest);
      return;
    }
    connection.comeIn(() => {
      this.broadcast.sendWaiting();
      connection.admit(connection.info.clientId);
      this.broadcast.replay(connection);
    });
  }
}
