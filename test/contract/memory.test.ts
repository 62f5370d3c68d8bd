import { systemClock } from '../../src/core/clock.ts';
import { MemoryLog } from '../../src/testing/simulation/memory-log.ts';
import { logContract } from './log-contract.ts';

logContract('the log in memory', async () => {
  const log = new MemoryLog({ clock: systemClock });
  await log.open();
  const maintain = () => log.maintain();
  return {
    log,
    compact: maintain,
    expire: maintain,
    reopen: async () => {
      await log.close();
      await log.open();
      return log;
    },
    dispose: () => log.close(),
  };
});
