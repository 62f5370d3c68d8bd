import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { reportFiles } from '../../../../src/testing/cases/report-text.ts';
import { runTests } from '../../../../src/testing/cases/run-tests.ts';

const ROOT = fileURLToPath(
  new URL(import.meta.url.includes('/dist/') ? '../../../../../' : '../../../../', import.meta.url),
);

/** Examples without a pipeline and an endpoint have nothing that a test could see. */
const WITHOUT_TESTS = ['connector.yaml'];

const examples = ['', 'feeds/']
  .flatMap((folder) => readdirSync(join(ROOT, 'config/examples', folder)).map((name) => `${folder}${name}`))
  .filter((name) => name.endsWith('.yaml') && !name.endsWith('_test.yaml'));

for (const name of examples.filter((one) => !WITHOUT_TESTS.includes(one)))
  test(`the tests of config/examples/${name} pass`, async () => {
    const ran = await runTests(join('config/examples', name));
    assert.ok(ran.invalid !== undefined || ran.results.length > 0, 'it has no tests');
    assert.ok(
      ran.invalid === undefined && ran.results.every(({ failures }) => failures.length === 0),
      reportFiles([ran]),
    );
  });

test('the tests of config/gateway.yaml pass', async () => {
  const ran = await runTests('config/gateway.yaml');
  assert.match(reportFiles([ran]), /\n[1-9]\d* passed, 0 failed$/);
});

const pages = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

for (const page of pages)
  for (const [at, code] of blocksWithTests(page))
    test(`the tests in the YAML at ${page}:${at} pass`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'gateway.yaml');
      writeFileSync(file, code);
      assert.match(reportFiles([await runTests(file)]), /\n[1-9]\d* passed, 0 failed$/);
    });

test('a page shows tests that are run', () => {
  assert.ok(pages.some((page) => blocksWithTests(page).length > 0));
});

/** Blocks of YAML that have tests, with the line where they begin. */
function blocksWithTests(page: string): [line: number, code: string][] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^( *)```yaml\n([\s\S]*?)^ *```/gm)].flatMap((match): [number, string][] => {
    const [, indent = '', code = ''] = match;
    const plain = code.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    return /^tests:/m.test(plain) ? [[text.slice(0, match.index).split('\n').length, plain]] : [];
  });
}
