import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isMainProcess } from '../../../src/config/production.ts';

const MODULE = import.meta.url.includes('/dist/') ? 'production.js' : 'production.ts';
const PATH = fileURLToPath(new URL(`../../../src/config/${MODULE}`, import.meta.url));
/** Says on standard error whether its process is the main one; a grandchild's standard output may be closed by then. */
const ASK = `import(${JSON.stringify(PATH)}).then(({ isMainProcess }) => console.error(process.ppid, isMainProcess()))`;
const NODE = [process.execPath, ...process.execArgv, ...(MODULE.endsWith('.ts') ? ['--import', 'tsx'] : [])]
  .map((word) => `'${word}'`)
  .join(' ');

/** What the process with this shell command says, as the first one of a PID namespace of its own; undefined where that may not be made. */
function inContainer(command: string): string | undefined {
  const options = ['--user', '--map-root-user', '--pid', '--fork', '--mount-proc'];
  if (spawnSync('unshare', [...options, 'true']).status !== 0) return undefined;
  return spawnSync('unshare', [...options, 'sh', '-c', command], { encoding: 'utf8', env: { ...process.env, ASK } })
    .stderr;
}

describe("a container's main process", () => {
  const startOf = (pid: number) => (pid === 1 ? 1_000 : 1_050);

  test('is the first one, and the one that its init was started for', () => {
    assert.equal(isMainProcess({ pid: 1, ppid: 0, startOf }), true);
    assert.equal(isMainProcess({ pid: 7, ppid: 1, startOf }), true);
  });

  test('is not one that the init adopted later, nor one that came from outside, nor one with a parent', () => {
    assert.equal(isMainProcess({ pid: 70, ppid: 1, startOf: (pid) => (pid === 1 ? 1_000 : 1_101) }), false);
    assert.equal(isMainProcess({ pid: 70, ppid: 0, startOf }), false);
    assert.equal(isMainProcess({ pid: 70, ppid: 60, startOf }), false);
    assert.equal(isMainProcess({ pid: 70, ppid: 1, startOf: () => undefined }), false);
  });

  test('is recognised by what the system reports of real processes', (t) => {
    const first = inContainer(`exec ${NODE} -e "$ASK"`);
    if (first === undefined) return t.skip('no PID namespace can be made here');
    assert.equal(first, '0 true\n');
    assert.equal(inContainer(`${NODE} -e "$ASK"; true`), '1 true\n', 'the child of an init');
    const orphan = inContainer(`sleep 1.5; (${NODE} -e "$ASK" &); sleep 4`);
    assert.equal(orphan, '1 false\n', 'a process whose parent has ended');
  });
});
