import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import { createEmbeddedLog, type EmbeddedLog } from '../../src/transports/embedded/index.ts';
import { logContract } from './log-contract.ts';

function make(directory: string | undefined): EmbeddedLog {
  const parts = { logger: createLogger({ level: 'silent' }), stats: createStats(), clock: systemClock };
  return createEmbeddedLog(directory === undefined ? parts : { path: directory, ...parts });
}

logContract('the embedded log in memory', async () => {
  const log = make(undefined);
  await log.open();
  const maintain = () => log.maintain();
  return { log, compact: maintain, expire: maintain, dispose: () => log.close() };
});

logContract('the embedded log on disk', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'tidegate-contract-'));
  let log = make(directory);
  await log.open();
  const maintain = () => log.maintain();
  return {
    log,
    compact: maintain,
    expire: maintain,
    reopen: async () => {
      await log.close();
      log = make(directory);
      await log.open();
      return log;
    },
    dispose: async () => {
      await log.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
