import type { Cluster } from '../connection/cluster.ts';
import { initProducer } from '../transactions/init-producer.ts';
import { decodeNote } from '../wire/commit-note.ts';
import { KAFKA, kafkaCode } from '../wire/protocol-errors.ts';
import { fetchOffsets } from './offset-fetch.ts';

/** Between two questions, in milliseconds. */
const PAUSE = 50;
/** A transaction that is open for longer may be that of a gateway that is gone. */
const LEFT_OPEN = 500;
/** Less than a session: the caller is a member of a group that waits for it. */
const LONGEST = 5_000;

/** Asks again while a transaction is open that commits what is asked for; one that stays open is aborted by `abort`. */
export async function whenStable<T>(ask: () => Promise<T>, abort: () => Promise<void>): Promise<T> {
  const started = performance.now();
  for (let hasAborted = false; ; ) {
    try {
      return await ask();
    } catch (error) {
      const since = performance.now() - started;
      if (kafkaCode(error) !== KAFKA.UNSTABLE_OFFSET_COMMIT || since > LONGEST) throw error;
      if (!hasAborted && since > LEFT_OPEN) {
        hasAborted = true;
        await abort().catch(() => undefined);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/**
 * Aborts the transactions of the members that committed these partitions last, by taking over their transactional ids: brokers
 * would wait for the time-out of a gateway that is gone. One that is alive loses a transaction that was not committed, and
 * makes it again.
 */
export async function abortLeft(
  cluster: Cluster,
  group: string,
  topic: string,
  partitions: readonly number[],
): Promise<void> {
  const writers = new Set<string>();
  for (const { metadata } of await fetchOffsets(cluster, group, topic, partitions, false)) {
    const { writer } = decodeNote(metadata);
    if (writer !== undefined) writers.add(writer);
  }
  for (const writer of writers) await takeOver(cluster, writer);
}

async function takeOver(cluster: Cluster, id: string): Promise<void> {
  await initProducer(await cluster.transactionCoordinator(id), id, LONGEST);
}
