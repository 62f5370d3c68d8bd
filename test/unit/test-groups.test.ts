import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { slowestOf } from '../../scripts/slowest-files.ts';
import { grouped, hasOwnProcess, isSlow } from '../../scripts/test-groups.ts';

const IS_COMPILED = import.meta.url.includes('/dist/');
const ROOT = fileURLToPath(new URL(IS_COMPILED ? '../../../' : '../../', import.meta.url));
const REPORTER = './dist/scripts/file-report.js';

/** What belongs to a whole process: its memory, its errors, its environment, and hooks and timers of all its tests. */
const PROCESS_WIDE = [
  /process\.memoryUsage\(|getHeapStatistics\(|--expose-gc/,
  /process\.(on|once|prependListener)\(/,
  /setGlobal(ContextManager|TracerProvider|Propagator)\(/,
  /(delete |Object\.assign\()process\.env|process\.env(\.\w+|\[.+?\]) (\?\?)?= |process\.(chdir\(|exitCode = |argv = )/,
  /^(before|after)(Each)?\(|^mock\./m,
];

/** Test files with one test that passes, or with the source that `of` gives, and the entries that run them. */
function written(t: TestContext, names: readonly string[], of: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'test-groups-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'entries'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const files = names.map((name) => {
    const source = of[name] ?? `import { test } from 'node:test';\ntest('passes', () => {});\n`;
    writeFileSync(join(folder, `${name}.test.ts`), source);
    writeFileSync(join(folder, `${name}.test.js`), source);
    return join(folder, `${name}.test.js`);
  });
  return { folder, files, entries: grouped(files, join(folder, 'entries')) };
}

const importsOf = (entry: string) =>
  [...readFileSync(entry, 'utf8').matchAll(/import "file:.*\/(\w+)\.test\.js";/g)].map(([, name = '']) => name);

describe('test files that share a process', () => {
  test('are all run, once, spread evenly over no more processes than it takes', (t) => {
    const names = Array.from({ length: 100 }, (_, index) => `file${index}`);
    const { entries } = written(t, names);
    const groups = entries.map(importsOf);
    assert.deepEqual(
      groups.map((group) => group.length),
      [34, 33, 33],
    );
    assert.deepEqual(groups.flat().sort(), names.sort());
    assert.deepEqual(groups[0]?.slice(0, 3), ['file0', 'file3', 'file6'], 'neighbours are in different groups');
  });

  test('are not those that say why they have one of their own', (t) => {
    const { entries } = written(t, ['a', 'b', 'c'], { b: '// Own process: it counts handles.\n' });
    assert.deepEqual(
      entries.map((entry) => basename(entry)),
      ['b.test.js', 'group-1.mjs'],
    );
    assert.deepEqual(importsOf(entries[1] ?? ''), ['a', 'c']);
    assert.ok(!hasOwnProcess('// Own process: \n'), 'a reason is missing');
    assert.ok(!hasOwnProcess("const text = '// Own process: x';\n"), 'it is no comment');
  });

  test('change or measure nothing that belongs to the whole process', () => {
    const files = ['unit', 'property'].flatMap((folder) =>
      readdirSync(join(ROOT, 'test', folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.test.ts'))
        .map((file) => join(ROOT, 'test', folder, file)),
    );
    assert.ok(files.length > 300);
    const sources = files.map((file) => ({ file, source: readFileSync(file, 'utf8') }));
    const touching = sources.filter(({ source }) => PROCESS_WIDE.some((pattern) => pattern.test(source)));
    const unmarked = touching.filter(({ source }) => !hasOwnProcess(source)).map(({ file }) => file);
    // These two name it in the code of another process, and in this list.
    const expected = ['start-up.test.ts', 'test-groups.test.ts'];
    assert.deepEqual(unmarked.map((file) => basename(file)).sort(), expected, 'begin them with `// Own process: WHY`');
  });

  const whenCompiled = { skip: !IS_COMPILED && 'the report is loaded as it is compiled' };

  test('are named by the report one by one, also where one fails', whenCompiled, (t) => {
    const failing = `import { test } from 'node:test';\ntest('fails', () => { throw new Error('no'); });\n`;
    const { times, failed } = run(written(t, ['a', 'b', 'c'], { b: failing }));
    assert.equal(times.trim().split('\n').length, 3);
    for (const name of ['a', 'b', 'c']) assert.match(times, new RegExp(`^\\d+\\.\\d{3} .*/${name}\\.test\\.js$`, 'm'));
    assert.match(failed, /^\S*\/b\.test\.js\n$/);
  });

  test('are named by the report where one of them ends the process', whenCompiled, (t) => {
    for (const code of [3, 0]) {
      const ending = `import { test } from 'node:test';\ntest('ends', () => process.exit(${code}));\n`;
      const { report } = run(written(t, ['a', 'b', 'c', 'd'], { c: ending }));
      assert.match(report, /^a process ended without a result of .*\/c\.test\.ts, \S*\/d\.test\.ts\b.*\n$/);
      // Results that the process had not yet passed on are lost with it: those of a, of b, or none.
      assert.equal(report.includes(', behind the last one of '), !report.includes('/a.test.ts, '));
    }
  });

  test('are named by the report where their process fails behind the last test', whenCompiled, (t) => {
    const failing = `import { test } from 'node:test';\ntest('passes', () => { process.exitCode = 3; });\n`;
    const { report } = run(written(t, ['a', 'b'], { a: failing }));
    assert.match(report, /^a process failed behind the last test of .*\/a\.test\.ts, \S*\/b\.test\.ts\n$/);
  });
});

test('the slowest files of a whole run are listed, each with the time of all its tries', () => {
  const times = Array.from({ length: 12 }, (_, index) => `${index}.500 test/${index}.test.ts\n`);
  const lines = slowestOf([...times, '9.000 test/3.test.ts\n'].join('')).split('\n');
  assert.equal(lines.length, 11);
  assert.equal(lines[0], 'the 10 slowest of 12 files:');
  assert.equal(lines[1], '   12.5 s  test/3.test.ts');
  assert.equal(slowestOf(''), 'the 0 slowest of 0 files:');
});

test('files that say that they are slow are left out of the inner loop', () => {
  assert.ok(isSlow("// Own process: x.\n// Slow: it starts gateways.\nimport x from 'y';"));
  assert.ok(!isSlow("// Slow:\nimport x from 'y'; // Slow is not said"));
});

/** What the report says of a run of these entries, and which files it notes as failed. */
function run({ folder, entries }: ReturnType<typeof written>): {
  report: string;
  failed: string;
  times: string;
} {
  const [list, times] = [join(folder, 'failed'), join(folder, 'times')];
  const options = ['--test', '--test-force-exit', '--import=./dist/test/helpers/no-early-end.js'];
  options.push('--test-reporter-destination=stdout', `--test-reporter=${REPORTER}`);
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  const { stdout, stderr, status } = spawnSync(process.execPath, [...options, ...entries], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...env, FAILED_FILES: list, FILE_TIMES: times },
  });
  assert.equal(status, 1, stderr);
  return { report: stdout, failed: readFileSync(list, 'utf8'), times: readFileSync(times, 'utf8') };
}
