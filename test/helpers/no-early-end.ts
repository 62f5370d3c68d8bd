import { after } from 'node:test';
import { isMainThread } from 'node:worker_threads';

/*
 * Loaded in front of each test file: the test runner takes a process that ends with exit code 0 for one whose tests have
 * passed, also if it ended in the middle of them.
 */

/** Neither the runner itself nor a process that a test has forked. */
const IS_TEST_FILE = isMainThread && /(\.test\.js|\/group-\d+\.mjs)$/.test(process.argv[1] ?? '');

if (process.env.NODE_TEST_CONTEXT !== undefined && IS_TEST_FILE) {
  let isOver = false;
  after(() => {
    isOver = true;
  });
  process.once('exit', (code) => {
    if (isOver || code !== 0) return;
    console.error(`${process.argv[1]} ended in front of the end of its tests`);
    process.exitCode = 1;
  });
}
