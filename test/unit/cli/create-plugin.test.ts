// Own process: createPlugin writes below the working directory.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CreatePluginOptions, createPlugin } from '../../../src/cli/create/plugin.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { VERSION } from '../../../src/version.ts';

/** Makes a project in a folder of its own; gives what was printed. */
async function create(t: TestContext, name: string, options: Partial<CreatePluginOptions> = {}) {
  const before = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-create-'));
  process.chdir(folder);
  const lines: string[] = [];
  t.mock.method(console, 'log', (text: string) => lines.push(text));
  const restore = () => {
    process.chdir(before);
    t.mock.restoreAll();
  };
  t.after(() => {
    restore();
    rmSync(folder, { recursive: true, force: true });
  });
  const made = (...path: string[]) => readFileSync(join(folder, name, ...path), 'utf8');
  const run = () => createPlugin(name, { kind: 'processor', ...options });
  return { folder, made, run, printed: () => lines.join('\n'), restore };
}

const refused = (message: RegExp) => (error: unknown) =>
  error instanceof TidegateError && error.code === 'TG_PLUGIN_INVALID' && message.test(error.message);

test('a project has what a plugin needs, and the three commands that come next are printed', async (t) => {
  const { folder, made, run, printed } = await create(t, 'mask-card');
  assert.equal(await run(), 0);
  assert.deepEqual(readdirSync(join(folder, 'mask-card')).sort(), [
    ...['.gitignore', 'README.md', 'gateway.yaml', 'package.json', 'src', 'test', 'tsconfig.json'],
  ]);
  const manifest = JSON.parse(made('package.json'));
  assert.equal(manifest.name, 'mask-card');
  assert.deepEqual(manifest.peerDependencies, { tidegate: `^${VERSION.replace(/\d+$/, '0')}` });
  assert.deepEqual(manifest.exports, {
    '.': { types: './dist/src/mask-card.d.ts', default: './dist/src/mask-card.js' },
  });
  assert.match(made('src', 'mask-card.ts'), /name: 'mask_card'/);
  assert.match(
    made('test', 'mask-card.test.ts'),
    /for \(const law of processorLaws\(component\)\) test\(law\.title, law\.check\);/,
  );
  assert.match(
    printed(),
    /^mask-card: a processor in 7 files; begin with mask-card\/src\/mask-card\.ts\n\n {2}cd mask-card\n {2}npm install .*\n {2}npm test$/,
  );
});

test('JavaScript needs no build, and a file of tidegate is named from the project', async (t) => {
  const { folder, made, run, printed } = await create(t, 'ticks', { kind: 'source', js: true, tidegate: './t.tgz' });
  await run();
  assert.ok(!readdirSync(join(folder, 'ticks')).includes('tsconfig.json'));
  const manifest = JSON.parse(made('package.json'));
  assert.deepEqual(manifest.devDependencies, { tidegate: 'file:../t.tgz' });
  assert.equal(manifest.scripts.build, 'node --check src/ticks.js');
  assert.doesNotMatch(made('src', 'ticks.js'), /new Subject</);
  assert.match(printed(), /^ {2}npm install$/m);
});

test('a folder with something in it is left as it is, and an empty one is used', async (t) => {
  const { folder, run } = await create(t, 'mine');
  mkdirSync(join(folder, 'mine'));
  await run();
  await assert.rejects(run(), refused(/^the folder mine is not empty; choose another name, or empty it$/));
  writeFileSync(join(folder, 'other'), 'a file');
  process.chdir(folder);
  await assert.rejects(
    createPlugin('other', { kind: 'sink' }),
    refused(/^other cannot be written to: it is a file; choose another name$/),
  );
});

const NAMES: readonly (readonly [string, Partial<CreatePluginOptions>, RegExp])[] = [
  ['Mask', {}, /^"Mask" is not a name for a plugin; use at most 100 lower case letters, digits, - and _, and begin/],
  ['../up', {}, /is not a name for a plugin/],
  ['9lives', {}, /is not a name for a plugin/],
  ['x'.repeat(101), {}, /is not a name for a plugin/],
  ['tidegate', {}, /^"tidegate" is the name of something else; choose another one$/],
  ['timeout', {}, /^"timeout" is a word of the configuration; choose another name$/],
  ['filter', {}, /^tidegate has a processor "filter" already; choose another name$/],
  ['filter', { kind: 'operator' }, /^tidegate has a processor "filter" already/],
  ['rate-limit', {}, /^tidegate has an operator "rate_limit" already/],
  ['topic', { kind: 'sink' }, /^tidegate has a sink "topic" already/],
];

for (const [name, options, message] of NAMES)
  test(`"${name.slice(0, 12)}" is refused as the name of a ${options.kind ?? 'processor'}`, async (t) => {
    const { folder, run } = await create(t, name, options);
    await assert.rejects(run(), refused(message));
    assert.deepEqual(readdirSync(folder), []);
  });
