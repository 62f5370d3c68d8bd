import type { Connection } from '../connection/connection.ts';
import type { Broadcast } from './broadcast.ts';
import type { History } from './history.ts';
import type { Room } from './room.ts';

export interface EntranceParts {
  /** Undefined where clients know nothing of each other. */
  readonly room: Room<Connection> | undefined;
  /** Undefined where clients get nothing of the past. */
  readonly history: History | undefined;
  readonly broadcast: Broadcast;
}

/**
 * How a connection comes to get what goes to all: after what it is to get of the past has been read, and once its room
 * lets it in. Where an endpoint has neither, it is in from the start.
 */
export class Entrance {
  /** Whether clients wait until they are let in. */
  readonly isGuarded: boolean;
  private readonly parts: EntranceParts;
  /** Undefined while nobody reads the past. */
  private waiting: Set<Connection> | undefined;
  private readers = 0;

  constructor(parts: EntranceParts) {
    this.parts = parts;
    this.isGuarded = parts.room !== undefined || parts.history !== undefined;
  }

  /** Why no client can be let in yet, or undefined. */
  get trouble(): string | undefined {
    const { room } = this.parts;
    return this.waiting === undefined ? room?.presence.trouble : 'what clients get of the past is being read';
  }

  /** Somebody reads what clients are to get of the past: they wait until all who do have said that it is read. */
  historyBegins(): void {
    this.readers += 1;
    this.waiting ??= new Set();
  }

  historyIsRead(): void {
    const { waiting } = this;
    this.readers -= 1;
    if (waiting === undefined || this.readers > 0) return;
    this.waiting = undefined;
    this.parts.history?.sort();
    for (const connection of waiting) this.letIn(connection);
  }

  enter(connection: Connection): void {
    if (this.waiting !== undefined) this.waiting.add(connection);
    else if (this.isGuarded) this.letIn(connection);
  }

  leave(connection: Connection): void {
    this.waiting?.delete(connection);
  }

  private letIn(connection: Connection): void {
    const { room, broadcast } = this.parts;
    if (room !== undefined) {
      room.enter(connection);
      return;
    }
    broadcast.sendWaiting();
    connection.admit(connection.info.clientId);
    broadcast.replay(connection);
  }
}
