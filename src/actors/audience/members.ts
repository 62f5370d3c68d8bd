import type { Connection } from '../connection/connection.ts';

/**
 * The connections of an endpoint by the name of their machine. A plain map outside of any machine's context: thousands
 * of child actors cost milliseconds a spawn.
 */
export class Members implements Iterable<Connection> {
  private readonly connections = new Map<string, Connection>();

  get size(): number {
    return this.connections.size;
  }

  /** Bytes held for clients: unfinished messages and send queues. */
  get heldBytes(): number {
    return this.sumOf((connection) => connection.heldBytes);
  }

  get queuedBytes(): number {
    return this.sumOf((connection) => connection.queuedBytes);
  }

  /** Messages that were read and whose outcome is not known yet. */
  get unsettled(): number {
    return this.sumOf((connection) => connection.unsettled);
  }

  /** Who holds the most bytes, of those that are not on their way out. */
  get largest(): Connection | undefined {
    let largest: Connection | undefined;
    for (const connection of this) {
      if (connection.closingSince === 0 && connection.heldBytes > (largest?.heldBytes ?? 0)) largest = connection;
    }
    return largest;
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.connections.values();
  }

  add(connection: Connection): void {
    this.connections.set(connection.actor.id, connection);
  }

  delete(connection: Connection): void {
    this.connections.delete(connection.actor.id);
  }

  get(name: string): Connection | undefined {
    return this.connections.get(name);
  }

  private sumOf(figure: (connection: Connection) => number): number {
    let sum = 0;
    for (const connection of this) sum += figure(connection);
    return sum;
  }
}
