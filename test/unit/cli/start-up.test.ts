import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const IS_COMPILED = import.meta.url.includes('/dist/');
const ROOT = fileURLToPath(new URL(IS_COMPILED ? '../../../../' : '../../../', import.meta.url));
const ENTRY = IS_COMPILED ? 'dist/src/cli/index.js' : 'src/cli/index.ts';

/** Prints, when the process ends, the packages of which it has loaded CommonJS modules. */
const PRELUDE = `
  import { createRequire } from 'node:module';
  process.on('exit', () => {
    const packages = new Set();
    for (const file of Object.keys(createRequire(process.cwd() + '/').cache)) {
      const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(file)?.[1];
      if (name !== undefined) packages.add(name);
    }
    process.stderr.write('loaded ' + JSON.stringify([...packages].sort()));
  });`;

/** What a command loads of the packages that are CommonJS, which are nearly all of the large ones. */
function loadedBy(...args: string[]): string[] {
  const { stderr } = spawnSync(
    process.execPath,
    [
      ...(IS_COMPILED ? [] : ['--import', 'tsx']),
      ...['--import', `data:text/javascript,${encodeURIComponent(PRELUDE)}`, ENTRY, ...args],
    ],
    { cwd: ROOT, encoding: 'utf8', env: { PATH: process.env.PATH } },
  );
  const loaded = JSON.parse(/loaded (\[.*\])$/.exec(stderr)?.[1] ?? 'null') as string[];
  return loaded.filter((name) => !['tsx', 'esbuild', 'get-tsconfig', 'resolve-pkg-maps'].includes(name));
}

test('the version and a mistake in the command line are answered without the modules of a gateway', () => {
  assert.deepEqual(loadedBy('--version'), ['commander']);
  assert.deepEqual(loadedBy('lnt', 'config/gateway.yaml'), ['commander']);
});

test('a check of a configuration loads what reads it, and nothing that connects', () => {
  const loaded = loadedBy('lint', 'config/gateway.yaml');
  assert.ok(loaded.includes('yaml'));
  for (const name of ['kafkajs', 'lmdb', 'ws', 'pino', 'xstate'])
    assert.ok(!loaded.includes(name), `${name} was loaded`);
});

test('a gateway without expressions, Kafka and tracing loads neither JSONata nor kafkajs nor an SDK', () => {
  const loaded = loadedBy('run', 'test/fixtures/there-is-no-such-file.yaml');
  assert.ok(loaded.includes('pino'));
  for (const name of ['kafkajs', 'pino-pretty', 'jsonata', 'ajv', 'protobufjs', '@opentelemetry/sdk-node'])
    assert.ok(!loaded.includes(name), `${name} was loaded`);
});

test('the library for tokens is an ES module, and is loaded with the first token', () => {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const uses = files.flatMap((name) => readFileSync(join(ROOT, 'src', name), 'utf8').match(/^.*'jose'.*$/gm) ?? []);
  assert.ok(uses.length > 0);
  assert.deepEqual(
    uses.filter((line) => !/^import type |\bimport\('jose'\)/.test(line)),
    [],
  );
});
