import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { ROOT, tidegate, written } from '../../helpers/command-line.ts';

const has = (shell: string) => spawnSync(shell, ['-c', ':']).status === 0;

/** What bash offers for the last of these words. */
function offered(script: string, words: readonly string[], cwd = ROOT): string[] {
  const command = `${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
_tidegate; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', command], { encoding: 'utf8', cwd });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout.split('\n').filter((line) => line !== '');
}

test('bash completes commands, options, choices, names of components and files', { skip: !has('bash') }, async (t) => {
  const script = (await tidegate('completion', 'bash')).stdout;
  const first = offered(script, ['tidegate', '']);
  for (const name of ['run', 'lint', 'show', 'config', 'graph', 'completion', 'help'])
    assert.ok(first.includes(name), name);
  assert.deepEqual(offered(script, ['tidegate', 'gr']), ['graph']);
  assert.deepEqual(offered(script, ['tidegate', 'config', 'e']), ['env', 'echo']);
  assert.deepEqual(offered(script, ['tidegate', 'lint', '--s']), ['--strict']);
  assert.deepEqual(offered(script, ['tidegate', 'graph', '--format', '']), ['mermaid', 'svg']);
  assert.deepEqual(offered(script, ['tidegate', 'list', 's']), ['sources', 'sinks']);
  assert.deepEqual(offered(script, ['tidegate', 'show', 'websocket_c']), ['websocket_client']);
  assert.deepEqual(offered(script, ['tidegate', 'help', 'gra']), ['graph']);
  assert.deepEqual(offered(script, ['tidegate', 'token', 'create', '--claim', '']), []);
  const file = await written(t, { 'my gateway.yaml': '', 'x.txt': '' });
  assert.deepEqual(offered(script, ['tidegate', 'lint', '--strict', 'my'], dirname(file)), ['my gateway.yaml']);
  assert.deepEqual(offered(script, ['tidegate', 'list', '--config', 'x'], dirname(file)), ['x.txt']);
});

test('zsh reads its script, and knows a function for each command', { skip: !has('zsh') }, async () => {
  const script = (await tidegate('completion', 'zsh')).stdout;
  const check = spawnSync('zsh', ['-f', '-n', '-c', script], { encoding: 'utf8' });
  assert.deepEqual([check.status, check.stderr], [0, '']);
  const names = spawnSync('zsh', ['-f', '-c', `${script}\nprint -l \${(k)functions} | grep _tidegate`], {
    encoding: 'utf8',
  });
  for (const name of ['_tidegate', '_tidegate_config_echo', '_tidegate_log_check'])
    assert.ok(names.stdout.split('\n').includes(name), `${name} ${names.stderr}`);
});

test('fish completes commands, options, choices and names', { skip: !has('fish') }, async () => {
  const script = (await tidegate('completion', 'fish')).stdout;
  const of = (line: string) => {
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', `${script}\ncomplete -C '${line}'`], {
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    return stdout
      .split('\n')
      .map((one) => one.split('\t')[0])
      .filter((one) => one !== '');
  };
  assert.deepEqual(of('tidegate gr'), ['graph']);
  assert.deepEqual(of('tidegate config e').sort(), ['echo', 'env']);
  assert.deepEqual(of('tidegate lint --st'), ['--strict']);
  assert.deepEqual(of('tidegate graph --format '), ['mermaid', 'svg']);
  assert.deepEqual(of('tidegate show websocket_c'), ['websocket_client']);
});

test('a shell that there is no script for is refused with those that there are', async () => {
  const { status, stderr } = await tidegate('completion', 'tcsh');
  assert.equal(status, 1);
  assert.match(stderr, /Allowed choices are bash, zsh, fish/);
});
