import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import { createEmbeddedLog } from '../../src/transports/embedded/index.ts';

/** How many records a topic of an embedded log holds. The gateway that wrote them has ended. */
export async function countRecords(path: string, topic: string): Promise<number> {
  const logger = createLogger({ level: 'silent' });
  const log = createEmbeddedLog({ path, logger, stats: createStats(), clock: systemClock });
  await log.open();
  const offsets = await log.admin.offsets(topic);
  await log.close();
  return offsets.reduce((sum, { earliest, latest }) => sum + latest - earliest, 0);
}

/** How often each id occurs in the envelopes of a topic of an embedded log. The gateway that wrote them has ended. */
export async function idsInEmbedded(path: string, topic: string): Promise<Map<string, number>> {
  const count = await countRecords(path, topic);
  const logger = createLogger({ level: 'silent' });
  const log = createEmbeddedLog({ path, logger, stats: createStats(), clock: systemClock });
  await log.open();
  const reader = log.reader({ topics: [topic], from: 'earliest' });
  const ids = new Map<string, number>();
  let read = 0;
  await new Promise<void>((resolve) => {
    reader.batches$.subscribe(({ messages }) => {
      for (const { text } of messages) {
        const id = String((JSON.parse(text) as { id?: unknown }).id);
        ids.set(id, (ids.get(id) ?? 0) + 1);
        read += 1;
      }
      if (read >= count) resolve();
    });
    if (count === 0) resolve();
  });
  await reader.close();
  await log.close();
  return ids;
}
