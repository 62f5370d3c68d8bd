import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ErrorCode, TidegateError } from '../../../src/core/errors.ts';
import { loadPlugin } from '../../../src/sdk/plugins.ts';
import { Registry } from '../../../src/sdk/registry.ts';
import { VERSION } from '../../../src/version.ts';

/** A component as a plugin written in plain JavaScript would have it; the schema needs no more than this here. */
const component = (name: string) => `{
  kind: 'processor', name: '${name}', summary: 'Does nothing.', examples: [],
  config: { safeParse: (data) => ({ success: true, data }) },
  create: () => ({ process: (message) => message }),
}`;

/** Files in a folder of their own, by their names. */
async function folderOf(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-plugin-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

const pluginFile = (t: TestContext, text: string) => folderOf(t, { 'my.mjs': text });

const refused = (code: ErrorCode, reason: RegExp | string) => (error: unknown) => {
  assert.ok(error instanceof TidegateError);
  assert.equal(error.code, code);
  if (typeof reason === 'string') assert.equal(error.message, reason);
  else assert.match(error.message, reason);
  return true;
};

test('a plugin that exports one component adds it, with the file as origin', async (t) => {
  const folder = await pluginFile(t, `export default ${component('trim')};`);
  const registry = new Registry();
  await loadPlugin(registry, './my.mjs', folder);
  assert.equal(registry.find('processor', 'trim')?.summary, 'Does nothing.');
  assert.equal(registry.find('processor', 'trim')?.plugin, './my.mjs');
  await assert.rejects(
    loadPlugin(registry, './my.mjs', folder),
    refused(
      'TG_PLUGIN_NAME_TAKEN',
      './my.mjs: there is a processor "trim" already, from ./my.mjs; choose another name',
    ),
  );
});

test('a plugin may export a list, and its path may be absolute', async (t) => {
  const folder = await pluginFile(t, `export default [${component('one')}, ${component('two')}];`);
  const registry = new Registry();
  await loadPlugin(registry, join(folder, 'my.mjs'), '/nowhere');
  assert.deepEqual(
    registry.all('processor').map(({ name }) => name),
    ['one', 'two'],
  );
});

test('a plugin may be a package that is installed for the folder of the configuration', async (t) => {
  const folder = await folderOf(t, {
    'node_modules/tidegate-trim/package.json': '{ "type": "module", "exports": "./trim.js" }',
    'node_modules/tidegate-trim/trim.js': `export default ${component('trim')};`,
  });
  const registry = new Registry();
  await loadPlugin(registry, 'tidegate-trim', join(folder, 'config'));
  assert.equal(registry.find('processor', 'trim')?.plugin, 'tidegate-trim');
});

test('a file or package that is not there is named, and what a plugin imports itself is a defect of it', async (t) => {
  const registry = new Registry();
  await assert.rejects(
    loadPlugin(registry, './none.mjs', '/nowhere'),
    refused('TG_PLUGIN_MISSING', /^the plugin \.\/none\.mjs cannot be loaded: Cannot find module '.*none\.mjs'$/),
  );
  await assert.rejects(
    loadPlugin(registry, 'tidegate-no-such-package', '/nowhere'),
    refused('TG_PLUGIN_MISSING', /^the plugin tidegate-no-such-package cannot be loaded: Cannot find package/),
  );
  const folder = await pluginFile(t, "import './helper.mjs';");
  await assert.rejects(
    loadPlugin(registry, './my.mjs', folder),
    refused('TG_PLUGIN_IMPORT_FAILED', /cannot be loaded: Cannot find module '.*helper\.mjs' imported from .*my\.mjs$/),
  );
});

test('a plugin that throws, throws nothing, or has a mistake in its syntax is named with the reason', async (t) => {
  const registry = new Registry();
  const failing = async (text: string, reason: RegExp | string) =>
    assert.rejects(
      loadPlugin(registry, './my.mjs', await pluginFile(t, text)),
      refused('TG_PLUGIN_IMPORT_FAILED', reason),
    );
  await failing("throw new Error('no licence');", 'the plugin ./my.mjs cannot be loaded: no licence (my.mjs:1:7)');
  await failing('throw undefined;', 'the plugin ./my.mjs cannot be loaded: undefined');
  await failing('export default {', /^the plugin \.\/my\.mjs cannot be loaded: /);
  const typed = await folderOf(t, { 'my.txt': 'text' });
  await assert.rejects(
    loadPlugin(registry, './my.txt', typed),
    refused('TG_PLUGIN_IMPORT_FAILED', /Unknown file extension.*; plugins are JavaScript, so compile it first/),
  );
  assert.deepEqual(registry.all('processor'), []);
});

test('a plugin whose module never ends is given up, and the next one is loaded', async (t) => {
  const registry = new Registry();
  const hanging = await pluginFile(t, `await new Promise(() => {}); export default ${component('one')};`);
  await assert.rejects(
    loadPlugin(registry, './my.mjs', hanging, 20),
    refused(
      'TG_PLUGIN_IMPORT_TIMEOUT',
      'the plugin ./my.mjs was not loaded within 0.02 s: its module waits at the top; wait in open() instead',
    ),
  );
  await loadPlugin(registry, './my.mjs', await pluginFile(t, `export default ${component('two')};`));
  assert.deepEqual(
    registry.all('processor').map(({ name }) => name),
    ['two'],
  );
});

test('a plugin without a default export, or with something else in it, is refused', async (t) => {
  const registry = new Registry();
  const nothing = await pluginFile(t, 'export const processor = {};');
  await assert.rejects(
    loadPlugin(registry, './my.mjs', nothing),
    refused('TG_PLUGIN_EXPORT_MISSING', /^the plugin \.\/my\.mjs has no default export; export a component or a list/),
  );
  for (const other of ['null', '{}', "'text'", '() => {}']) {
    const folder = await pluginFile(t, `export default [${component('fine')}, ${other}];`);
    await assert.rejects(
      loadPlugin(new Registry(), './my.mjs', folder),
      refused('TG_PLUGIN_INVALID', /^\.\/my\.mjs: a component is an object made by/),
    );
  }
});

const manifest = (range: string) => JSON.stringify({ peerDependencies: { tidegate: range } });

test('a plugin whose package is for other versions of tidegate is refused and not run', async (t) => {
  const folder = await folderOf(t, {
    'package.json': manifest('^7.1'),
    'dist/my.mjs': "throw new Error('it ran');",
  });
  await assert.rejects(
    loadPlugin(new Registry(), './dist/my.mjs', folder),
    refused(
      'TG_PLUGIN_VERSION',
      `the plugin ./dist/my.mjs is for tidegate ^7.1 (${join(folder, 'package.json')}), and this is ${VERSION}; install a version of it that names ${VERSION}, or the tidegate that it names`,
    ),
  );
});

test('a package that names this version, a path, or nothing is loaded', async (t) => {
  const minor = VERSION.split('.').slice(0, 2).join('.');
  for (const text of [manifest(`^${minor}`), manifest('file:../tidegate'), '{}', '{ not JSON']) {
    const folder = await folderOf(t, { 'package.json': text, 'my.mjs': `export default ${component('trim')};` });
    const registry = new Registry();
    await loadPlugin(registry, './my.mjs', folder);
    assert.equal(registry.all('processor').length, 1, text);
  }
});

test('a component may say its versions itself, and is refused where they are others or no versions', async (t) => {
  const saying = (sdk: string) => pluginFile(t, `export default { ...${component('trim')}, sdk: ${sdk} };`);
  await assert.rejects(
    loadPlugin(new Registry(), './my.mjs', await saying("'>=9'")),
    refused('TG_PLUGIN_VERSION', /^the plugin \.\/my\.mjs is for tidegate >=9 \(processor "trim"\), and this is/),
  );
  for (const wrong of ["'newest'", '1'])
    await assert.rejects(
      loadPlugin(new Registry(), './my.mjs', await saying(wrong)),
      refused('TG_PLUGIN_VERSION', /sdk of processor "trim" is "(newest|1)", which is no range of versions/),
    );
  const registry = new Registry();
  await loadPlugin(registry, './my.mjs', await saying(`'^${VERSION}'`));
  assert.equal(registry.all('processor').length, 1);
});

test('a package that says nothing of tidegate is not asked about by the one that it is in', async (t) => {
  const folder = await folderOf(t, {
    'package.json': manifest('^7.1'),
    'inner/package.json': '{ "name": "inner" }',
    'inner/my.mjs': `export default ${component('fine')};`,
  });
  const registry = new Registry();
  await loadPlugin(registry, './inner/my.mjs', folder);
  assert.ok(registry.find('processor', 'fine'));
});

test('the time to load a plugin holds up nothing once it is loaded, or cannot be', async (t) => {
  const cancelled: unknown[] = [];
  const { clearTimeout: original } = globalThis;
  t.mock.method(globalThis, 'clearTimeout', (timer: NodeJS.Timeout) => {
    cancelled.push(timer);
    original(timer);
  });
  const started = t.mock.method(globalThis, 'setTimeout').mock;
  await loadPlugin(new Registry(), './my.mjs', await pluginFile(t, `export default ${component('fine')};`), 61_000);
  await assert.rejects(loadPlugin(new Registry(), './my.mjs', await pluginFile(t, "throw new Error('no')"), 61_000));
  const timers = started.calls.filter((call) => call.arguments[1] === 61_000).map((call) => call.result);
  assert.equal(timers.length, 2);
  assert.ok(timers.every((timer) => cancelled.includes(timer)));
});

test('a plugin that was refused and then repaired is loaded, without a restart', async (t) => {
  const mistakes = ['export default {', "throw new Error('at the top')", 'export const other = 1', 'export default 5'];
  const texts = Object.fromEntries(mistakes.map((text, at) => [`my-${at}.mjs`, text]));
  const folder = await folderOf(t, { ...texts, 'my-4.cjs': "throw new Error('at the top')" });
  for (const name of [...Object.keys(texts), 'my-4.cjs']) {
    await assert.rejects(loadPlugin(new Registry(), `./${name}`, folder), TidegateError);
    const start = name.endsWith('.cjs') ? 'module.exports =' : 'export default';
    await writeFile(join(folder, name), `${start} ${component('trim')}`);
    const registry = new Registry();
    await loadPlugin(registry, `./${name}`, folder);
    assert.equal(registry.find('processor', 'trim')?.plugin, `./${name}`);
  }
});

test('a package that can only be imported is found from the folder of the configuration', async (t) => {
  const folder = await folderOf(t, {
    'node_modules/trim/package.json': '{ "type": "module", "exports": { "types": "./t.d.ts", "import": "./trim.js" } }',
    'node_modules/trim/trim.js': `export default ${component('trim')};`,
    'node_modules/@my/two/package.json':
      '{ "type": "module", "exports": { "./b": { "node": { "import": "./b.js" }, "import": "./c.js" } } }',
    'node_modules/@my/two/b.js': `export default ${component('pad')};`,
    'node_modules/old/package.json':
      '{ "type": "module", "exports": { ".": { "import": "./old.js" } }, "peerDependencies": { "tidegate": "^9" } }',
    'node_modules/old/old.js': "throw new Error('it must not be run')",
  });
  const registry = new Registry();
  await loadPlugin(registry, 'trim', join(folder, 'config'));
  await loadPlugin(registry, '@my/two/b', join(folder, 'config'));
  assert.equal(registry.find('processor', 'trim')?.plugin, 'trim');
  assert.equal(registry.find('processor', 'pad')?.plugin, '@my/two/b');
  await assert.rejects(loadPlugin(registry, 'old', folder), refused('TG_PLUGIN_VERSION', /is for tidegate \^9/));
  await assert.rejects(loadPlugin(registry, '@my/two', folder), refused('TG_PLUGIN_MISSING', /the plugin @my\/two/));
});

test('the versions that a plugin names hold through links, and through a package.json that has no name', async (t) => {
  const file = `export default ${component('trim')};`;
  const folder = await folderOf(t, {
    'real/package.json': '{ "name": "real", "type": "module", "peerDependencies": { "tidegate": "^9" } }',
    'real/trim.js': file,
    'real/esm/package.json': '{ "type": "module" }',
    'real/esm/trim.js': file,
    'real/other/package.json': '{ "name": "other", "type": "module" }',
    'real/other/trim.js': file,
  });
  await symlink(join(folder, 'real/trim.js'), join(folder, 'link.js'));
  for (const path of ['./link.js', './real/esm/trim.js'])
    await assert.rejects(loadPlugin(new Registry(), path, folder), refused('TG_PLUGIN_VERSION', /real.package\.json/));
  await loadPlugin(new Registry(), './real/other/trim.js', folder);
});

test('what throws when it is looked at is refused with the name of its plugin', async (t) => {
  const texts = [
    "new Proxy({}, { get() { throw new Error('gotcha'); } })",
    "{ get kind() { throw new Error('gotcha'); } }",
    component('trim')
      .replace('config: {', "examples: [{}], config: { safeParse() { throw new Error('gotcha') } }, was: {")
      .replace('examples: [],', ''),
    component('trim').replace("'trim'", "{ toString() { throw new Error('gotcha') } }"),
  ];
  for (const text of texts) {
    const folder = await pluginFile(t, `export default ${text}`);
    await assert.rejects(
      loadPlugin(new Registry(), './my.mjs', folder),
      refused('TG_PLUGIN_INVALID', 'the plugin ./my.mjs cannot be read: gotcha'),
    );
  }
});
