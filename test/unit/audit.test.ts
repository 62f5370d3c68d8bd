import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { verdictOf } from '../../scripts/audit.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
const verdict = (report: object) => verdictOf(JSON.stringify(report));
const count = (total: number) => ({ auditReportVersion: 2, metadata: { vulnerabilities: { total } } });

test('a known vulnerability fails the audit by its package; none passes it', () => {
  assert.deepEqual(verdict({ ...count(0), vulnerabilities: {} }), { isPassed: true, text: 'no known vulnerability' });
  const found = verdict({ ...count(1), vulnerabilities: { ws: { severity: 'high', range: '<8.17.1' } } });
  assert.equal(found.isPassed, false);
  assert.match(found.text, /vulnerabilities: 1;.*\n {2}ws <8\.17\.1: high$/);
});

test('a registry without the endpoint is named and passes; one that fails, and no report, do not', () => {
  for (const statusCode of [404, 405]) {
    const { isPassed, text } = verdict({ message: 'Method Not Allowed', statusCode });
    assert.deepEqual(
      [isPassed, text.includes(`NOT CHECKED: this registry has no audit endpoint (${statusCode})`)],
      [true, true],
    );
  }
  for (const report of [{ message: 'unavailable', statusCode: 503 }, { message: 'getaddrinfo ENOTFOUND' }, {}])
    assert.equal(verdict(report).isPassed, false);
  for (const printed of ['', 'null', 'not JSON']) assert.equal(verdictOf(printed).isPassed, false, printed);
});

test('what has to hold before a change lands includes the audit', () => {
  assert.match(readFileSync(join(ROOT, '.ci/run'), 'utf8'), /^npx tsx scripts\/audit\.ts$/m);
});
