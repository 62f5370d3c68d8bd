/** For brokers, the log's files, the admin server, and connections that are not clients yet: without one left an operator could not look what is wrong. */
const KEPT_FREE = 128;
/** Most connections that are not clients yet, however many files there are: each takes some 10 KiB. */
const MAX_WAITING = 2_048;

/**
 * How many sockets of clients a process may have open that may open so many files: each takes one of them.
 */
export function mostSockets(files: number): number {
  return Math.max(files - KEPT_FREE, Math.floor(files / 2));
}

/**
 * How many connections that are not clients yet may be open beside this many clients: half of what is kept free, and
 * whatever the clients do not take.
 */
export function mostWaiting(clients: number, files: number): number {
  if (files === Number.POSITIVE_INFINITY) return MAX_WAITING;
  const most = mostSockets(files);
  return Math.min(MAX_WAITING, Math.floor((files - most) / 2) + Math.max(0, most - clients));
}
