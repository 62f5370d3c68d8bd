import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TidegateError } from '../../../src/core/errors.ts';
import { loadPlugin } from '../../../src/sdk/plugins.ts';
import { Registry } from '../../../src/sdk/registry.ts';

/** A component as a plugin written in plain JavaScript would have it; the schema needs no more than this here. */
const component = (name: string) => `{
  kind: 'processor', name: '${name}', summary: 'Does nothing.', examples: [],
  config: { safeParse: (data) => ({ success: true, data }) },
  create: () => ({ process: (message) => message }),
}`;

async function pluginFile(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-plugin-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'my.mjs'), text);
  return folder;
}

const refused = (reason: RegExp) => (error: unknown) =>
  error instanceof TidegateError && error.code === 'TG_PLUGIN_INVALID' && reason.test(error.message);

test('a plugin that exports one component adds it, with the file as origin', async (t) => {
  const folder = await pluginFile(t, `export default ${component('trim')};`);
  const registry = new Registry();
  await loadPlugin(registry, './my.mjs', folder);
  assert.equal(registry.find('processor', 'trim')?.summary, 'Does nothing.');
  await assert.rejects(loadPlugin(registry, './my.mjs', folder), refused(/already, from \.\/my\.mjs/));
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

test('a plugin that is not there, throws or has a mistake in its syntax is named with the reason', async (t) => {
  const registry = new Registry();
  await assert.rejects(
    loadPlugin(registry, './none.mjs', '/nowhere'),
    refused(/plugin \.\/none\.mjs cannot be loaded/),
  );
  await assert.rejects(loadPlugin(registry, 'tidegate-no-such-package', '/nowhere'), refused(/cannot be loaded/));
  const throwing = await pluginFile(t, "throw new Error('no licence');");
  await assert.rejects(loadPlugin(registry, './my.mjs', throwing), refused(/cannot be loaded: no licence/));
  const mistaken = await pluginFile(t, 'export default {');
  await assert.rejects(loadPlugin(registry, './my.mjs', mistaken), refused(/cannot be loaded/));
});

test('a plugin without a default export, or with something else in it, is refused', async (t) => {
  const registry = new Registry();
  const nothing = await pluginFile(t, 'export const processor = {};');
  await assert.rejects(loadPlugin(registry, './my.mjs', nothing), refused(/has no default export/));
  const other = await pluginFile(t, `export default [${component('fine')}, null];`);
  await assert.rejects(
    loadPlugin(registry, './my.mjs', other),
    refused(/\.\/my\.mjs: a component is an object made by/),
  );
});
