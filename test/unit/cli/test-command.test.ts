import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ROOT, runTidegate } from '../../helpers/command-line.ts';

const IS_COMPILED = import.meta.url.includes('/dist/');
const PROGRAM = IS_COMPILED ? ['dist/src/cli/index.js'] : ['--import', 'tsx', 'src/cli/index.ts'];

const config = (total: number) => `log: { driver: embedded, topics: { raw: { partitions: 1 } } }
pipelines:
  double:
    source: { topic: { names: [ raw ], group: g, from: earliest } }
    processors: [ { map: { json: '\${! { "total": json.total * ${total} } }' } } ]
    sink: { topic: { name: doubled } }
tests:
  - name: a total is doubled
    pipeline: double
    input: [ { json: { total: 2 } } ]
    output: { doubled: [ { json: { total: 4 } } ] }
`;
const GOOD = config(2);
const WRONG = config(3);

/** A folder with these files. */
function folderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

async function tidegate(folder: string, words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = await runTidegate(
    words.map((word) => word.replace('@', folder)),
    { env },
  );
  const hidden = (text: string) => (folder === '' ? text : text.replaceAll(folder, '@'));
  return { status, stdout: hidden(stdout), stderr: hidden(stderr) };
}

test('a test that fails ends with 1, says what differs and where, and is in the reports', async (t) => {
  const folder = folderWith(t, { 'a.yaml': GOOD, 'b.yaml': WRONG });
  const words = ['test', '@/a.yaml', '@/b.yaml', '--junit', '@/junit.xml'];
  const { status, stdout } = await tidegate(folder, words, { GITHUB_ACTIONS: 'true' });
  assert.match(
    stdout,
    /\n {2}FAIL {2}a total is doubled @\/b\.yaml:8:5\n {8}output\.doubled\[0\]\.json\.total {2}@\/b\.yaml:11:43\n {10}expected {2}4\n {10}got {7}6\n/,
  );
  assert.match(
    stdout,
    /\n::error file=@\/b\.yaml,line=11,col=43,title=a total is doubled::output\.doubled\[0\]\.json\.total: expected 4, got 6%0A/,
  );
  assert.match(stdout, /\n1 passed, 1 failed\n$/);
  assert.equal(status, 1);
  assert.match(
    readFileSync(join(folder, 'junit.xml'), 'utf8'),
    /^<\?xml .*\n<testsuites name="tidegate" tests="2" failures="1" errors="0"/,
  );
});

test('a file that is invalid ends with 2, and the others are run', async (t) => {
  const folder = folderWith(t, { 'a.yaml': GOOD, 'b.yaml': GOOD.replace('pipeline: double', 'pipeline: duoble') });
  const { status, stdout } = await tidegate(folder, ['test', '@/b.yaml', '@/a.yaml'], { GITHUB_ACTIONS: 'true' });
  assert.match(stdout, /@\/b\.yaml:9:15 {2}tests\[0\]\.pipeline {2}there is no pipeline "duoble"/);
  assert.match(stdout, /\n::error file=@\/b\.yaml,line=9,col=15,title=tests\[0\]\.pipeline::there is no pipeline/);
  assert.match(stdout, /\n1 passed, 0 failed, 1 file invalid\n$/);
  assert.equal(status, 2);
});

test('nothing to run ends with 2 and says what to do', async (t) => {
  const folder = folderWith(t, { 'a.yaml': GOOD, 'b.yaml': GOOD.replace(/tests:[\s\S]*/, '') });
  const none = await tidegate(folder, ['test', '@/b.yaml']);
  assert.deepEqual(
    [none.status, none.stderr],
    [2, 'tidegate: no tests were found; add tests: to a file, or write FILE_test.yaml beside it\n'],
  );
  const named = await tidegate(folder, ['test', '@/a.yaml', '--name', 'tripled']);
  assert.deepEqual(
    [named.status, named.stderr],
    [2, 'tidegate: no tests were found; no name has a match of tripled\n'],
  );
});

test('a pattern that cannot be read ends with 2', async () => {
  const { status, stderr } = await tidegate('', ['test', 'gateway.yaml', '--name', '(']);
  assert.equal(status, 2);
  assert.match(stderr, /^tidegate: --name Invalid regular expression/);
});

test('tests that pass end with 0, and are green where colours are asked for', async (t) => {
  const folder = folderWith(t, { 'a.yaml': GOOD });
  const { status, stdout } = await tidegate(folder, ['test', '@/a.yaml'], { FORCE_COLOR: '1' });
  assert.ok(stdout.endsWith(`\n\u001b[32m1 passed, 0 failed\u001b[39m\n`), JSON.stringify(stdout));
  assert.equal(status, 0);
});

test('lint checks the tests of a file, and of the file beside it', async (t) => {
  const [settings = '', tests = ''] = GOOD.split(/^(?=tests:)/m);
  const folder = folderWith(t, {
    'a.yaml': settings,
    'a_test.yaml': tests,
    'b.yaml': GOOD.replace('output:', 'outputs:'),
  });
  const good = await tidegate(folder, ['lint', '@/a.yaml', '@/a_test.yaml']);
  assert.equal(good.status, 0, good.stderr);
  assert.equal(good.stdout.match(/ok\n/g)?.length, 1);
  assert.match(good.stdout, /\n {2}tests {5}1, for tidegate test\n/);
  const bad = await tidegate(folder, ['lint', '@/b.yaml']);
  assert.match(
    bad.stderr,
    /tests\[0\]\.outputs {2}unknown key in tests\[0\]; did you mean "output"\?\ntidegate: 1 mistake\n$/,
  );
  assert.equal(bad.status, 1);
});

test('with --watch a changed file is run again, until a signal ends it', async (t) => {
  const folder = folderWith(t, { 'a.yaml': GOOD });
  const file = join(folder, 'a.yaml');
  const child = spawn(process.execPath, [...PROGRAM, 'test', file, '--watch'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  const waits = (pattern: RegExp) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!pattern.test(output)) return;
        child.stdout.off('data', look);
        resolve();
      };
      child.stdout.on('data', look);
      look();
    });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await waits(/1 passed, 0 failed\n\nwaiting for a change/);
  output = '';
  writeFileSync(file, WRONG);
  await waits(/0 passed, 1 failed\n\nwaiting for a change/);
  output = '';
  // A file of tests that was not there before.
  writeFileSync(join(folder, 'a_test.yaml'), GOOD.slice(GOOD.indexOf('tests:')).replace('a total', 'each total'));
  await waits(/0 passed, 2 failed\n\nwaiting for a change/);
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGINT');
  assert.equal(await ended, 1);
});
