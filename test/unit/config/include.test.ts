import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadConfig } from '../../../src/config/index.ts';
import { failureOf, SECTIONS } from './fixture.ts';

const { log, listeners, endpoints, pipelines } = SECTIONS;

async function folderOf(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-include-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

const load = (folder: string, env = {}) => loadConfig(join(folder, 'gateway.yaml'), { env, production: null });

/** Messages with the folder left out. */
async function mistakesOf(t: TestContext, files: Readonly<Record<string, string>>): Promise<string[]> {
  const folder = await folderOf(t, files);
  const failure = await failureOf(load(folder));
  return (failure?.message ?? '').replaceAll(`${folder}/`, '').split('\n');
}

test('files are included with their own files, and together they are one configuration', async (t) => {
  const folder = await folderOf(t, {
    'gateway.yaml': `include: [ ./base.yaml, "pipelines/*.yaml" ]\n${listeners}\n`,
    'base.yaml': `include: parts/endpoints.yaml\n${log}\n`,
    'parts/endpoints.yaml': `${endpoints}\n`,
    'pipelines/b.yaml': 'pipelines: { out: { source: { topic: { names: [chat] } }, sink: { endpoint: rooms } } }',
    'pipelines/a.yaml':
      'pipelines: { in: { source: { endpoint: rooms }, sink: { topic: { name: "${TOPIC:chat}" } } } }',
    'pipelines/a_test.yaml': 'tests: []',
    'pipelines/.hidden.yaml': 'nonsense: 1',
  });
  const { config, warnings, files } = await load(folder);
  assert.deepEqual(warnings, []);
  assert.deepEqual(Object.keys(config.pipelines), ['in', 'out']);
  assert.deepEqual(Object.keys(config.endpoints), ['rooms']);
  assert.deepEqual(config.log.topics.chat?.partitions, 3);
  assert.ok(!('include' in config) && !('templates' in config));
  assert.deepEqual(
    files.map((file) => file.slice(folder.length + 1)),
    ['gateway.yaml', 'base.yaml', 'parts/endpoints.yaml', 'pipelines/a.yaml', 'pipelines/b.yaml'],
  );
});

test('a name, or a setting, in two files is a mistake with both places', async (t) => {
  const mistakes = await mistakesOf(t, {
    'gateway.yaml': `include: [ more.yaml ]\n${log}\n${listeners}\n${endpoints}\nadmin: { port: 8080 }\n${pipelines}\n`,
    'more.yaml': [
      'pipelines: { in: { source: { endpoint: rooms }, sink: drop } }',
      'admin: { host: 127.0.0.1, port: 8081 }',
      'log: { topics: { chat: { partitions: 1 }, more: { partitions: 1 } } }',
    ].join('\n'),
  });
  assert.deepEqual(mistakes, [
    'more.yaml:1:14  pipelines.in  in is at gateway.yaml:8:3 already; a name may be in one file only',
    'more.yaml:2:27  admin.port  this is set at gateway.yaml:6:10 already; keep one of them',
    'more.yaml:3:18  log.topics.chat  chat is at gateway.yaml:2:36 already; a name may be in one file only',
  ]);
});

test('settings of one section may be in several files', async (t) => {
  const folder = await folderOf(t, {
    'gateway.yaml': `include: [ more.yaml ]\n${listeners}\n${endpoints}\n${pipelines}\nadmin: { port: 8099 }\nlog:\n`,
    'more.yaml': `admin: { host: 127.0.0.1 }\n${log}\n`,
  });
  const { admin, log: merged } = (await load(folder)).config;
  assert.deepEqual([admin.port, admin.host, merged.driver], [8099, '127.0.0.1', 'embedded']);
});

test('every mistake names the file that it is in', async (t) => {
  const mistakes = await mistakesOf(t, {
    'gateway.yaml': `include: [ a.yaml, b.yaml ]\n${log}\n${listeners}\nadmin: { prot: 1 }\n`,
    'a.yaml': `\n${endpoints}\npipelines:\n  in: { source: { endpoint: room }, sink: drop }\n`,
    'b.yaml': 'pipelines: { x: { source: { endpoint: rooms }, sink: { topic: { name: "${MISSING}" } } } }',
  });
  assert.deepEqual(
    mistakes.map((line) => line.split('  ').slice(0, 2)),
    [
      ['gateway.yaml:4:10', 'admin.prot'],
      ['a.yaml:5:29', 'pipelines.in.source.endpoint'],
      ['b.yaml:1:71', 'pipelines.x.sink.topic.name'],
    ],
  );
});

test('files that are not there, circles and globs without a file are mistakes at their places', async (t) => {
  const mistakes = await mistakesOf(t, {
    'gateway.yaml': 'include: [ nope.yaml, "no/*.yaml", a.yaml, 5, "**/x.yaml" ]\nlog: { driver: embedded }\n',
    'a.yaml': 'admin: {}\ninclude:\n  - gateway.yaml\n',
  });
  assert.deepEqual(mistakes, [
    'gateway.yaml:1:12  include[0]  nope.yaml cannot be read: there is no such file',
    'gateway.yaml:1:23  include[1]  no file matches "no/*.yaml"',
    'gateway.yaml:1:44  include[3]  expected the path of a file, such as ./auth.yaml',
    'gateway.yaml:1:47  include[4]  "**/x.yaml": ** is not understood; * means characters of one name',
    'a.yaml:3:5  include[0]  this is a circle: gateway.yaml includes a.yaml includes gateway.yaml',
  ]);
});

test('a file that cannot be read as YAML does not hide the mistakes of the others', async (t) => {
  const mistakes = await mistakesOf(t, {
    'gateway.yaml': 'include: [ a.yaml, b.yaml ]\nlog: { driver: embedded }\n',
    'a.yaml': 'admin: {\n',
    'b.yaml': '- 1\n',
  });
  assert.equal(mistakes.length, 2);
  assert.match(mistakes[0] ?? '', /^a\.yaml:2:1 {2}not YAML/);
  assert.match(mistakes[1] ?? '', /^b\.yaml:1:1 {2}expected sections such as auth, endpoints and pipelines/);
});

test('a file that several include is read once, and a glob leaves out the file that it is in', async (t) => {
  const folder = await folderOf(t, {
    'gateway.yaml': `include: [ "*.yaml" ]\n${log}\n${listeners}\n`,
    'a.yaml': `include: [ common.yaml ]\n${pipelines}\n`,
    'common.yaml': `${endpoints}\n`,
  });
  await symlink(join(folder, 'common.yaml'), join(folder, 'link.yaml'));
  const { config, files } = await load(folder);
  assert.equal(files.length, 3);
  assert.deepEqual(Object.keys(config.endpoints), ['rooms']);
});

test('paths of an included file begin at its folder, and those of the first file where Tidegate starts', async (t) => {
  const sdk = new URL('../../../src/sdk/index.ts', import.meta.url).href;
  const folder = await folderOf(t, {
    'gateway.yaml': `include: [ parts/a.yaml ]\nlog: { driver: embedded, embedded: { path: ./data } }\n${listeners}\n${endpoints}\n`,
    'parts/a.yaml': [
      'plugins: ./shout.mjs',
      'pipelines:',
      '  in:',
      '    source: { endpoint: rooms }',
      '    processors: [ shout, { validate: { file: schemas/order.json } } ]',
      '    sink: drop',
      'admin: { tls: { cert: tls.crt, key: "-----BEGIN KEY-----" } }',
    ].join('\n'),
    'parts/schemas/order.json': '{ "type": "object" }',
    'parts/shout.mjs': `import { defineProcessor, z } from ${JSON.stringify(import.meta.url.endsWith('.js') ? sdk.replace(/\.ts$/, '.js') : sdk)};
      export default defineProcessor({ name: 'shout', summary: 'Louder.', config: z.strictObject({}), examples: [{}], create: () => ({ process: (m) => m }) });`,
  });
  const { config } = await load(folder);
  assert.equal(config.admin.tls?.cert, join(folder, 'parts/tls.crt'));
  assert.equal(config.admin.tls?.key, '-----BEGIN KEY-----');
  assert.equal(config.log.embedded.path, './data');
});

test('a failure says which files were read, so that they can be watched', async (t) => {
  const folder = await folderOf(t, {
    'gateway.yaml': 'include: [ a.yaml ]\nlog: { driver: embedded }\n',
    'a.yaml': 'admn: {}\n',
  });
  const failure = await failureOf(load(folder));
  assert.deepEqual(failure?.files, [join(folder, 'gateway.yaml'), join(folder, 'a.yaml')]);
});

test('settings that a program passes have neither include nor templates', async () => {
  const failure = await failureOf(loadConfig({ include: [], templates: {} }, { env: {}, production: null }));
  assert.deepEqual(
    failure?.problems.map(({ path }) => path),
    ['include', 'templates'],
  );
});
