import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fillPage, markdown, type Outcome, verdicts } from '../../bench/report.ts';
import { ingest } from '../../bench/scenarios/ingest.ts';

const PAGE = fileURLToPath(
  new URL(`${import.meta.url.includes('/dist/') ? '../../../' : '../../'}docs/performance.md`, import.meta.url),
);

const run = (messages: number, cpu: number) => ({ messages, cpu, peak: 100, missing: 0, unacked: 0 });
const outcome: Outcome = {
  scenario: ingest,
  runs: new Map([
    ['gateway', [run(20_000, 30), run(30_000, 20), run(10_000, 90)]],
    ['careful', [run(10_000, 30), run(30_000, 30), run(10_000, 30)]],
    ['naive', [run(4_000, 200), run(5_000, 200), run(10_000, 200)]],
  ]),
};

test('a ratio is the median of the ratios within each round', () => {
  const [againstNaive, againstCareful, cpu] = verdicts(outcome);
  assert.deepEqual([againstNaive?.value, againstNaive?.passes], [5, true]);
  assert.deepEqual([againstCareful?.value, againstCareful?.passes], [1, true]);
  assert.deepEqual([cpu?.value, cpu?.passes], [1, true]);
});

test('the results take their place in docs/performance.md and leave the rest as it is', () => {
  const page = readFileSync(PAGE, 'utf8');
  const results = markdown([outcome], 'npm run bench');
  const filled = fillPage(page, results);
  assert.ok(filled.includes('20,000 (10,000-30,000)'));
  assert.equal(filled.indexOf('<!-- bench:begin -->'), page.indexOf('<!-- bench:begin -->'));
  assert.equal(fillPage(filled, results), filled);
});
