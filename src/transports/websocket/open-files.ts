import { readFileSync } from 'node:fs';

/** For brokers, the log's files, the admin server, and handshakes that are refused: without one left nobody could look what is wrong. */
const KEPT_FREE = 128;

/**
 * How many sockets of clients this process may have open: each takes one of its open files (`ulimit -n`). Unlimited where the
 * system does not say.
 */
export function mostSockets(limits = readLimits()): number {
  const files = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  return Math.max(files - KEPT_FREE, Math.floor(files / 2));
}

/** What Linux tells about this process. Node has raised the limit as far as it may. */
function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
