import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadConfig } from '../../../src/config/index.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../../' : '../../../', import.meta.url));
const unit = readFileSync(join(ROOT, 'deploy/systemd/tidegate.service'), 'utf8');
const settings = (name: string) => [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value);

test('systemd waits longer than a stop takes, and reloads by SIGHUP once the file is checked', async () => {
  const { config } = await loadConfig({}, { env: {}, production: null });
  assert.ok(Number(settings('TimeoutStopSec')[0]) * 1_000 > config.shutdown.timeout);
  assert.deepEqual(settings('ExecReload'), [...settings('ExecStartPre'), '/bin/kill -HUP $MAINPID']);
  assert.deepEqual(settings('LimitNOFILE'), ['131072']);
});

test('systemd takes the unit, and calls its exposure low', async (t) => {
  const analyze = promisify(execFile);
  const found = await analyze('systemd-analyze', ['--version']).catch(() => undefined);
  if (found === undefined) return t.skip('there is no systemd-analyze');
  const folder = mkdtempSync(join(tmpdir(), 'unit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'tidegate.service');
  // The program of the unit has to exist on the machine that checks it.
  writeFileSync(file, unit.replaceAll('/usr/bin/node', process.execPath));

  const { stderr } = await analyze('systemd-analyze', ['verify', '--recursive-errors=no', file]);
  assert.deepEqual(
    stderr.split('\n').filter((line) => line.includes('tidegate')),
    [],
  );
  const { stdout } = await analyze('systemd-analyze', ['security', '--offline=true', '--threshold=20', file]);
  assert.match(stdout, /Overall exposure level for tidegate.service: 1\.\d OK/);
});
