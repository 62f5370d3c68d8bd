import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
const FOLDER = 'examples/plugins';

/** Runs a program of Node to its end. A test that runs tests must not look like a part of them. */
async function run(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

const plugins = readdirSync(join(ROOT, FOLDER));

test('there are three plugins to copy, each with its page, configuration and tests', () => {
  assert.deepEqual(plugins.sort(), ['http-sink', 'quota', 'tlv-codec']);
  for (const plugin of plugins) {
    const wanted = ['README.md', 'gateway.yaml', `${plugin}.mjs`, `${plugin}.test.mjs`];
    assert.deepEqual(readdirSync(join(ROOT, FOLDER, plugin)).sort(), wanted);
  }
});

suite('the plugin', () => {
  for (const plugin of plugins) {
    test(`${plugin} keeps the laws of its kind and its own promises`, async () => {
      const { code, output } = await run('--test', `${FOLDER}/${plugin}/${plugin}.test.mjs`);
      assert.equal(code, 0, output);
      assert.match(output, /pass (?:[89]|\d\d)/);
    });

    test(`${plugin} does in its gateway.yaml what the tests there say, and lint finds nothing`, async () => {
      const file = `${FOLDER}/${plugin}/gateway.yaml`;
      const tested = await run('bin/tidegate', 'test', file);
      assert.equal(tested.code, 0, tested.output);
      const linted = await run('bin/tidegate', 'lint', '--strict', file);
      assert.equal(linted.code, 0, linted.output);
    });
  }
});
