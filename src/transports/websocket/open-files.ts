import { resourceLimit } from '../../core/resource-limits.ts';

/** For brokers, the log's files, the admin server, and handshakes that are refused: without one left nobody could look what is wrong. */
const KEPT_FREE = 128;

/**
 * How many sockets of clients this process may have open: each takes one of its open files (`ulimit -n`), whose limit Node has
 * raised as far as it may. Unlimited where the system does not say.
 */
export function mostSockets(files = resourceLimit('Max open files')): number {
  return Math.max(files - KEPT_FREE, Math.floor(files / 2));
}
