import { after, before, describe } from 'node:test';
import type { Log } from '../../src/core/log.ts';
import { adminContract } from './admin-contract.ts';
import { groupContract } from './group-contract.ts';
import { laneContract } from './lane-contract.ts';
import { lifeContract } from './life-contract.ts';
import type { LogFactory, LogUnderTest } from './log-fixture.ts';
import { readerContract } from './reader-contract.ts';
import { transactionContract } from './transaction-contract.ts';

export type { LogFactory, LogUnderTest } from './log-fixture.ts';

/** What the suites ask for when a test runs: the log that is open then, and what else it can do. */
export interface Subject {
  readonly log: Log;
  readonly under: LogUnderTest;
}

/** How long one test may take. */
const TIMEOUT = 120_000;

/**
 * Registers the suites that every driver of the log port passes, as node:test suites. `factory` makes an opened log;
 * it is called once for most tests and again for those that close theirs.
 *
 *     logContract('my log', async () => {
 *       const log = createMyLog();
 *       await log.open();
 *       return { log, dispose: () => log.close() };
 *     });
 */
export function logContract(name: string, factory: LogFactory): void {
  describe(`the log port on ${name}`, { timeout: TIMEOUT * 10 }, () => {
    let under: LogUnderTest | undefined;
    const subject = (): Subject => {
      if (under === undefined) throw new Error('the log could not be opened');
      return { log: under.log, under };
    };
    before(async () => {
      under = await factory();
    });
    after(async () => {
      await under?.dispose();
    });
    const options = { timeout: TIMEOUT };
    laneContract(subject, options);
    readerContract(subject, options);
    groupContract(subject, options);
    transactionContract(subject, options);
    adminContract(subject, options);
    lifeContract(factory, options);
  });
}

export interface SuiteOptions {
  readonly timeout: number;
}
