import type { Farewell } from '../../core/frame.ts';
import { closing } from './connection-machine.ts';

/** Clients of an endpoint that have not said who they are, at a time. */
const MAX_NEWCOMERS = 1_024;

interface Newcomer {
  dismiss(farewell: Farewell): void;
}

/**
 * Connections whose clients have not said yet who they are. Anyone can open one: where there are too many, the one that has waited
 * longest goes, so that those who hold connections open leave room for clients that speak.
 */
export class Newcomers<C extends Newcomer> {
  /** The one that came last is behind all others. */
  private readonly waiting = new Set<C>();

  add(connection: C): void {
    this.waiting.add(connection);
    if (this.waiting.size <= MAX_NEWCOMERS) return;
    for (const oldest of this.waiting) {
      this.waiting.delete(oldest);
      oldest.dismiss(closing('silent', 'too many clients have not said who they are'));
      return;
    }
  }

  delete(connection: C): void {
    this.waiting.delete(connection);
  }
}
