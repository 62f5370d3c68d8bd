import { kafkaCode } from '../wire/protocol-errors.ts';

/**
 * The broker is about to be able to answer: partitions and leaders that are new (3, 5, 6 in Kafka's table of errors),
 * coordinators that load or move (14, 15, 16).
 */
const SOON = new Set([3, 5, 6, 14, 15, 16]);
const PAUSE = 50;
const LONGEST = 5_000;

/** Asks again while the broker says that it needs a moment; five seconds at the most. */
export async function whenReady<T>(ask: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + LONGEST; ; ) {
    try {
      return await ask();
    } catch (error) {
      if (!SOON.has(kafkaCode(error) ?? 0) || performance.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
