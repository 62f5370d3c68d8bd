import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { builtinRegistry } from '../../../src/config/builtins.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { configJsonSchema } from '../../../src/config/reference/json-schema.ts';
import { interpolate } from '../../../src/config/yaml/interpolate.ts';
import { outsideValues } from '../../../src/config/yaml/outside-values.ts';

async function folderOf(t: TestContext, files: Readonly<Record<string, string | Buffer>>) {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-secrets-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

const fill = (text: string, env = {}) => interpolate(text, env, outsideValues());

test('a file gives what it holds without the line break at its end, and nothing in it is looked into', async (t) => {
  const folder = await folderOf(t, {
    plain: 's3cret\n',
    windows: 'a\r\n',
    two: 'a\n\n',
    tricky: '${HOME} and ${! x }',
  });
  assert.equal(fill(`a-\${file:${folder}/plain}-b`).text, 'a-s3cret-b');
  assert.equal(fill(`\${file:${folder}/windows}`).text, 'a');
  assert.equal(fill(`\${file:${folder}/two}`).text, 'a\n');
  assert.equal(fill(`\${NONE:\${file:${folder}/plain}}`).text, 's3cret');
  assert.deepEqual(fill(`\${SET:\${file:${folder}/none}}`, { SET: 'x' }), {
    text: 'x',
    variables: ['SET', `file:${folder}/none`],
    defaults: new Map([['SET', `\${file:${folder}/none}`]]),
    mistakes: [],
  });
  const tricky = fill(`\${file:${folder}/tricky}`);
  assert.deepEqual(tricky.mistakes, []);
  assert.ok(tricky.text.startsWith('${HOME} and $'), tricky.text);
});

test('a command is run without a shell, once, and gives what it prints', async (t) => {
  const folder = await folderOf(t, {});
  assert.equal(fill('${exec:/bin/echo $HOME;id *}').text, '$HOME;id *');
  const outside = outsideValues();
  const random = () => interpolate('${exec:/usr/bin/mktemp -u}', {}, outside).text;
  assert.equal(random(), random());
  for (const [what, mistake] of [
    ['exec:/bin/false', '"${exec:/bin/false}": the command /bin/false ended with exit code 1'],
    ['exec:/no/such words', '"${exec:/no/such words}": the command /no/such is not there'],
    ['exec:/bin/true', '"${exec:/bin/true}": it is empty'],
    ['exec:/usr/bin/head -c 70000 /dev/zero', /printed more than 65536 bytes/],
    [`file:${folder}`, /is not a file/],
    [`file:${folder}/none`, /there is no file/],
  ] as const) {
    const [message = ''] = fill(`\${${what}}`).mistakes;
    if (typeof mistake === 'string') assert.equal(message, mistake);
    else assert.match(message, mistake);
  }
});

test('files that are too large or not text are refused, and what they hold is not shown', async (t) => {
  const folder = await folderOf(t, { large: 'x'.repeat(65_537), binary: Buffer.from([0xff, 0xfe, 0x41]) });
  assert.match(fill(`\${file:${folder}/large}`).mistakes[0] ?? '', /has more than 65536 bytes/);
  assert.match(fill(`\${file:${folder}/binary}`).mistakes[0] ?? '', /is not UTF-8 text/);
});

test('only a configuration in a file names files and commands; text of a program does not', async () => {
  const text = 'log: { driver: embedded, client_id: "${exec:/bin/echo x}" }\n';
  await assert.rejects(loadConfig({ text, name: 'text' }, { env: {} }), /for a configuration in a file only/);
});

test('strict: secrets that are written into the file are doubts; those from elsewhere are not', async (t) => {
  const folder = await folderOf(t, { password: 'hunter2\n' });
  const yaml = (password: string) => `log:
  driver: kafkajs
  brokers: [ "a:9092" ]
  sasl: { mechanism: plain, username: ada, password: "${password}" }
connect: { secret_key: [ "\${KEY}", "${'0'.repeat(64)}" ], defaults: { sasl.jaas.config: x, value.converter: y } }
pipelines:
  feed:
    source:
      websocket_client: { url: "wss://ada:pw@example.org/", headers: { Authorization: "Bearer x", Accept: y } }
    sink: { topic: { name: t } }
`;
  const doubtsOf = async (password: string, strict: boolean) => {
    const file = join(folder, 'gateway.yaml');
    await writeFile(file, yaml(password));
    const { warnings } = await loadConfig(file, {
      env: { PASSWORD: 'x', KEY: '1'.repeat(64) },
      production: null,
      strict,
    });
    return warnings.filter(({ message }) => message.startsWith('a secret is written')).map(({ path }) => path);
  };
  const others = [
    'connect.defaults.sasl.jaas.config',
    'connect.secret_key[1]',
    'pipelines.feed.source.websocket_client.url',
    'pipelines.feed.source.websocket_client.headers.Authorization',
  ];
  assert.deepEqual((await doubtsOf('hunter2', true)).sort(), ['log.sasl.password', ...others].sort());
  assert.deepEqual((await doubtsOf('${PASSWORD}', true)).sort(), [...others].sort());
  assert.deepEqual((await doubtsOf(`\${file:${folder}/password}`, true)).sort(), [...others].sort());
  assert.deepEqual(await doubtsOf('hunter2', false), []);
});

test('every setting whose name says that it holds a secret is marked in its schema', () => {
  const unmarked: string[] = [];
  const visit = (node: unknown, name: string): void => {
    if (typeof node !== 'object' || node === null || 'writeOnly' in node) return;
    // A choice of words, or a variable for one of them.
    if ('anyOf' in node && (node.anyOf as object[]).some((form) => 'enum' in form)) return;
    const { type, properties = {} } = node as { type?: unknown; properties?: object };
    const isSecret = /(?:password|passphrase|secret(?:_key)?|^token)$/.test(name) && type === 'string';
    if (isSecret) unmarked.push(name);
    for (const [key, inner] of Object.entries(node)) {
      if (key === 'properties') for (const [property, rules] of Object.entries(properties)) visit(rules, property);
      else visit(inner, /^\d+$|^(?:anyOf|oneOf|allOf|items)$/.test(key) ? name : '');
    }
  };
  visit(configJsonSchema(builtinRegistry()), '');
  assert.deepEqual(unmarked, []);
});
