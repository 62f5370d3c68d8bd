import { writeSync } from 'node:fs';
import { inspect } from 'node:util';
import { isMainThread } from 'node:worker_threads';

/**
 * Work on a thread of Node's pool that needs this thread to get on. A process that is ended meanwhile never ends: Node waits
 * for the threads of its pool, and they for it.
 */
export interface Undertaking {
  readonly isRunning: boolean;
  /** Begins nothing any more; resolves when nothing runs. */
  end(): Promise<void>;
}

/** Milliseconds. */
const END_TIMEOUT = 1_000;

const undertakings = new Set<Undertaking>();
let isGuarded = false;

/** Returns how to say that there is nothing more to come. */
export function undertake(one: Undertaking): () => void {
  undertakings.add(one);
  if (!isGuarded && isMainThread) guard();
  return () => undertakings.delete(one);
}

/** Ends the process with this exit code, within a second and a bit, whatever runs. What is in flight is lost. */
export async function endProcess(code: number): Promise<void> {
  const ended = Promise.allSettled([...undertakings].map((one) => one.end()));
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, END_TIMEOUT))]);
  process.exit(code);
}

/** For `process.exit` and exceptions that are not caught: an end by a signal is better than none. */
function guard(): void {
  isGuarded = true;
  let uncaught: unknown;
  process.on('uncaughtExceptionMonitor', (error) => {
    uncaught = error;
  });
  process.on('exit', () => {
    if (![...undertakings].some(({ isRunning }) => isRunning)) return;
    // Node itself would say it later than this.
    if (uncaught !== undefined && process.listenerCount('uncaughtException') === 0)
      writeSync(process.stderr.fd, `${inspect(uncaught)}\n`);
    process.kill(process.pid, 'SIGKILL');
  });
}
