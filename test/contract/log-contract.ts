import { after, before, describe, test } from 'node:test';
import type { LogFactory, LogUnderTest } from '../../src/testing/contract/fixture.ts';
import { logContract as casesOf, type LogCase } from '../../src/testing/index.ts';

/** How long one test may take. */
const TIMEOUT = 120_000;

/** Cases by the name of their outermost suite that is left, and those that have none left. */
interface Tree {
  readonly cases: LogCase[];
  readonly suites: Map<string, Tree>;
}

/**
 * Registers the cases that every driver of the log port passes, as node:test suites. `factory` makes an opened log; it is
 * called once for most tests and again for those that close theirs.
 */
export function logContract(name: string, factory: LogFactory): void {
  describe(`the log port on ${name}`, { timeout: TIMEOUT * 10 }, () => {
    let under: LogUnderTest | undefined;
    before(async () => {
      under = await factory();
    });
    after(async () => {
      await under?.dispose();
    });
    const shared = () => {
      if (under === undefined) throw new Error('the log could not be opened');
      return under;
    };
    registerAll(treeOf(casesOf({ open: factory, shared })));
  });
}

function treeOf(cases: readonly LogCase[]): Tree {
  const root: Tree = { cases: [], suites: new Map() };
  for (const one of cases) {
    let place = root;
    for (const name of one.suite) {
      const next = place.suites.get(name) ?? { cases: [], suites: new Map() };
      place.suites.set(name, next);
      place = next;
    }
    place.cases.push(one);
  }
  return root;
}

function registerAll({ cases, suites }: Tree): void {
  for (const { title, run } of cases) {
    test(title, { timeout: TIMEOUT }, async (t) => {
      const skipped = await run();
      if (skipped !== undefined) t.skip(skipped);
    });
  }
  for (const [name, tree] of suites) {
    const concurrency = tree.cases[0]?.concurrency ?? 1;
    describe(name, { timeout: TIMEOUT, concurrency }, () => registerAll(tree));
  }
}
