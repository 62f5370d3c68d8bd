import type { Connection } from './connection.ts';
import type { ConnectionParts } from './connection-parts.ts';

/**
 * The connections of an endpoint by the name of their machine. A plain map outside of any machine's context: thousands
 * of child actors cost milliseconds a spawn.
 */
export class Members implements Iterable<Connection> {
  private readonly connections = new Map<string, Connection>();
  /**
   * Names of machines that have ended, for those that come. A machine tells its parent by its name that it has ended, and the
   * parent remembers each name for ever: with a name for each connection, a gateway would grow with all that there ever were.
   */
  private readonly freeNames: string[] = [];
  private names = 0;

  get size(): number {
    return this.connections.size;
  }

  /** Bytes held for clients: unfinished messages and send queues. */
  get heldBytes(): number {
    return this.sumOf((parts) => parts.heldBytes);
  }

  get queuedBytes(): number {
    return this.sumOf((parts) => parts.queuedBytes);
  }

  /** Messages that were read and whose outcome is not known yet. */
  get unsettled(): number {
    return this.sumOf((parts) => parts.unsettled);
  }

  /** Connections whose memory a cut would free; not those that are closing, whose memory is free already. */
  get holders(): Connection[] {
    return [...this].filter(({ closingSince }) => closingSince === 0);
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.connections.values();
  }

  nextName(): string {
    const free = this.freeNames.pop();
    if (free !== undefined) return free;
    this.names += 1;
    return `connection-${this.names}`;
  }

  add(connection: Connection): void {
    this.connections.set(connection.actor.id, connection);
  }

  delete(connection: Connection): void {
    const { id } = connection.actor;
    if (this.connections.delete(id)) this.freeNames.push(id);
  }

  get(name: string): Connection | undefined {
    return this.connections.get(name);
  }

  private sumOf(metric: (parts: ConnectionParts) => number): number {
    let sum = 0;
    for (const { parts } of this) sum += metric(parts);
    return sum;
  }
}
