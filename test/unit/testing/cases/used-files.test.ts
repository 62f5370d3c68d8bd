import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { usedFiles } from '../../../../src/testing/cases/used-files.ts';

test('tests depend on the file, what it includes by a pattern, and the plugins that it names', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const at = (name: string) => join(folder, name);
  mkdirSync(at('parts'));
  writeFileSync(at('gateway.yaml'), `plugins: [ ./trim.mjs ]\ninclude: [ ./parts/*.yaml ]\n`);
  writeFileSync(at('parts/orders.yaml'), '{}');
  writeFileSync(at('trim.mjs'), '');
  const used = new Set(await usedFiles(at('gateway.yaml'), {}));
  const names = ['gateway.yaml', 'gateway_test.yaml', 'parts/orders.yaml', 'trim.mjs'];
  assert.deepEqual(
    names.filter((name) => !used.has(at(name))),
    [],
  );
});
