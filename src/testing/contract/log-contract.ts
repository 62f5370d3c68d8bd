import { adminCases } from './admin.ts';
import type { LogCase, Register } from './case.ts';
import type { LogFactory, LogUnderTest } from './fixture.ts';
import { groupSharingCases } from './group.ts';
import { groupCommittingCases } from './group-committing.ts';
import { groupFlowCases } from './group-flow.ts';
import { recreatedTopicGroupCases } from './group-recreated.ts';
import { groupReplayingCases } from './group-state.ts';
import { groupStateBeginningCases } from './group-state-beginning.ts';
import { groupStateKeepingCases } from './group-state-keeping.ts';
import { laneCases } from './lane.ts';
import { laneLimitCases } from './lane-limits.ts';
import { lifeCases } from './life.ts';
import { readerCases } from './reader.ts';
import { readerPartsCases } from './reader-parts.ts';
import { recreatedTopicReaderCases } from './reader-recreated.ts';
import { runCase } from './run-case.ts';
import { transactionCases } from './transaction.ts';
import { transactionOwningCases } from './transaction-owning.ts';
import { transactionRefusalCases } from './transaction-refusing.ts';
import { transactionResultCases } from './transaction-results.ts';

/** What a driver of the log port gives, so that it can be tested. */
export interface LogFixture {
  /** Makes a log and opens it. What it gives is disposed of when its case has ended. */
  readonly open: LogFactory;
  /** A log that is open already, for all cases but those that close theirs. Left out: each case opens one. */
  readonly shared?: () => LogUnderTest;
}

interface Suite {
  readonly suite: readonly string[];
  readonly register: readonly ((test: Register) => void)[];
  readonly concurrency?: number;
  readonly closesLog?: boolean;
}

/** Each of these cases has a group and a topic of its own, and waits most of its time for a broker that waits for more members. */
const AT_A_TIME = 6;

const SUITES: readonly Suite[] = [
  { suite: ['a lane'], register: [laneCases, laneLimitCases] },
  { suite: ['a reader'], register: [readerCases] },
  { suite: ['a reader', 'of some partitions, or for a short time'], register: [readerPartsCases] },
  { suite: ['a reader', 'of a topic that is deleted and created again'], register: [recreatedTopicReaderCases] },
  {
    suite: ['a group'],
    register: [groupSharingCases, groupCommittingCases, groupFlowCases],
    concurrency: AT_A_TIME,
  },
  {
    suite: ['a group', 'with state that is rebuilt by reading again'],
    register: [groupReplayingCases, groupStateKeepingCases, groupStateBeginningCases],
    concurrency: AT_A_TIME,
  },
  {
    suite: ['a group', 'on a topic that is deleted and created again'],
    register: [recreatedTopicGroupCases],
    concurrency: AT_A_TIME,
  },
  {
    suite: ['a group member with transactions'],
    register: [transactionCases, transactionRefusalCases, transactionResultCases, transactionOwningCases],
    concurrency: AT_A_TIME,
  },
  { suite: ['the admin'], register: [adminCases] },
  { suite: ['the life of a log'], register: [lifeCases], closesLog: true },
];

/**
 * The cases that every driver of the log port passes: ordering, durability and failure, in full. They need no test
 * runner: each is a title and a function that rejects. Real brokers take up to a minute for some of them.
 *
 *     for (const { suite, title, run } of logContract({ open: openMyLog })) test([...suite, title].join(' '), run);
 */
export function logContract(fixture: LogFixture): LogCase[] {
  return SUITES.flatMap(({ suite, register, concurrency = 1, closesLog = false }) => {
    const cases: LogCase[] = [];
    const add: Register = (title, run) =>
      cases.push({ suite, title, closesLog, concurrency, run: () => runCase(fixture, closesLog, run) });
    for (const one of register) one(add);
    return cases;
  });
}
