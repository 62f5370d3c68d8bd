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
