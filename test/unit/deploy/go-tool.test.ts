import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../../' : '../../../', import.meta.url));

/** `go mod init`, `go get` and `go build -o FILE`, which writes down how it was called; `build` is what the last one does. */
const fakeGo = (build: string) => `#!/bin/sh
echo "$GOSUMDB $*" >>"$CALLS"
[ "$1" != build ] || { ${build}; }
`;
const BUILDS = `printf '#!/bin/sh\\necho built\\n' >"$3" && chmod +x "$3"`;

function rig(t: TestContext, go?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'go-tool-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [bin, cache, calls] = [join(folder, 'bin'), join(folder, 'cache'), join(folder, 'calls')];
  mkdirSync(bin);
  writeFileSync(calls, '');
  if (go !== undefined) writeFileSync(join(bin, 'go'), go, { mode: 0o755 });
  const env = { PATH: `${bin}:/usr/bin:/bin`, HOME: folder, XDG_CACHE_HOME: cache, CALLS: calls };
  return {
    folder,
    /** Resolves with what it prints. */
    start: async (name: string) =>
      (await promisify(execFile)('bash', [join(ROOT, 'scripts/go-tool.sh'), name], { env })).stdout.trim(),
    tools: join(cache, 'tidegate/go-tools'),
    calls: () => readFileSync(calls, 'utf8').split('\n').slice(0, -1),
    run: (name: string, more: Record<string, string> = {}) => {
      const { status, stdout, stderr } = spawnSync('bash', [join(ROOT, 'scripts/go-tool.sh'), name], {
        env: { ...env, ...more },
        encoding: 'utf8',
      });
      return { status, stdout: stdout.trim(), lines: stderr.split('\n').slice(0, -1) };
    },
  };
}

test('a tool is built once, with its version, and found from then on', (t) => {
  const { run, tools, calls } = rig(t, fakeGo(BUILDS));
  const built = run('promtool');
  assert.deepEqual([built.status, built.stdout], [0, join(tools, 'promtool-v0.55.0')]);
  assert.equal(spawnSync(built.stdout, { encoding: 'utf8' }).stdout, 'built\n');
  assert.equal(calls()[1], 'off get github.com/prometheus/prometheus/cmd/promtool@v0.55.0');
  assert.equal(calls().length, 3);
  const found = run('promtool');
  assert.deepEqual([found.status, found.stdout, found.lines], [0, built.stdout, []]);
  assert.equal(calls().length, 3);
  assert.deepEqual(readdirSync(tools), ['promtool-v0.55.0']);
});

test('where a build fails one line says why, nothing is left, and the next run tries again', (t) => {
  const { run, tools } = rig(t, fakeGo('echo no such module; exit 1'));
  const failed = run('helm');
  assert.deepEqual([failed.status, failed.stdout], [1, '']);
  assert.match(failed.lines[1] ?? '', /^no helm: its build failed .*\(no such module\); the tests .* are skipped$/);
  assert.deepEqual(readdirSync(tools), []);
  assert.equal(run('helm').status, 1);
});

test('the last words of a failed build are reported, and no empty line behind them', (t) => {
  const { run } = rig(t, fakeGo('echo go: needs go 1.22; echo; exit 1'));
  assert.match(run('helm').lines[1] ?? '', /took longer than 15m \(go: needs go 1\.22\);/);
});

test('where there is no place for it one line says so', (t) => {
  const { run, folder } = rig(t, fakeGo(BUILDS));
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const [cache, home] of [[file], ['', file], ['/proc/1']]) {
    const place = { XDG_CACHE_HOME: cache ?? '', ...(home === undefined ? {} : { HOME: home }) };
    const { status, stdout, lines } = run('promtool', place);
    assert.deepEqual([status, stdout, lines.length], [1, '', 1]);
    assert.match(lines[0] ?? '', /^no promtool: there is no place to keep it \(mkdir: .*\); the tests .* are skipped$/);
  }
});

test('two runs at once build it once', async (t) => {
  const { start, calls, tools } = rig(t, fakeGo(`sleep 0.5; ${BUILDS}`));
  if (spawnSync('/bin/sh', ['-c', 'command -v flock']).status !== 0) return t.skip('there is no flock');
  const printed = await Promise.all([start('promtool'), start('promtool')]);
  assert.deepEqual(printed, [join(tools, 'promtool-v0.55.0'), join(tools, 'promtool-v0.55.0')]);
  assert.equal(calls().length, 3);
});

test('a build that takes too long is ended', (t) => {
  const { run, tools } = rig(t, fakeGo('exec sleep 60'));
  const { status, lines } = run('helm', { GO_TOOL_TIMEOUT: '0.2s' });
  assert.equal(status, 1);
  assert.match(lines[1] ?? '', /took longer than 0\.2s/);
  assert.deepEqual(readdirSync(tools), []);
});

test('without Go one line says so', (t) => {
  const { run } = rig(t);
  const isThere = spawnSync('/bin/sh', ['-c', 'PATH=/usr/bin:/bin; command -v go']).status === 0;
  if (isThere) return t.skip('there is a Go in /usr/bin');
  const { status, stdout, lines } = run('promtool');
  assert.deepEqual([status, stdout], [1, '']);
  assert.deepEqual(lines, ['no promtool: there is no Go to build it with; the tests that need it are skipped']);
});
