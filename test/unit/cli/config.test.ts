import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { builtinRegistry, loadConfig } from '../../../src/config/index.ts';
import { configJsonSchema } from '../../../src/config/reference/json-schema.ts';
import { ROOT, runTidegate, tidegate, written } from '../../helpers/command-line.ts';

const FILE = `log: { driver: embedded }
auth:
  users: { basic: { ada: "\${ADA_PASSWORD:for-trials-only}", bob: hunter22 } }
x-limits: &limits
  max_connections: 7
listeners:
  public: { port: "\${PORT:9090}" }
endpoints:
  e: { <<: *limits, listener: public, path: /, codec: json, auth: users }
pipelines:
  in:
    source: { endpoint: e }
    processors: [ log, { map: { text: "\${! json.a } $\${PORT}" } } ]
    sink:
      topic: { name: "\${TOPIC}", headers: { authorization: "\${WORD:secret words}" } }
`;

test('config default passes lint, says every setting, and changes nothing', async () => {
  const { status, stdout } = await tidegate('config', 'default');
  assert.equal(status, 0);
  const options = { env: {}, production: null, strict: true, advice: true };
  const { config, warnings } = await loadConfig({ text: stdout, name: 'default.yaml' }, options);
  assert.deepEqual(warnings, []);
  const bare = await loadConfig({ log: { driver: 'auto' } }, { env: {}, production: null });
  assert.deepEqual(JSON.parse(JSON.stringify(config)), JSON.parse(JSON.stringify(bare.config)));
  for (const line of ['  driver: auto', '#connect:', '  #NAME:', '    #exactly_once: false', '  timeout: 25s'])
    assert.ok(stdout.split('\n').includes(line), line);
  assert.match(stdout, /\n {4}# Wire protocol of the clients\.[\s\S]*?\n {4}#codec:\n/);
});

test('config schema is the one of editors', async () => {
  const { status, stdout } = await tidegate('config', 'schema');
  assert.equal(status, 0);
  assert.deepEqual(JSON.parse(stdout), JSON.parse(JSON.stringify(configJsonSchema(builtinRegistry()))));
  assert.equal(stdout, readFileSync(join(ROOT, 'config/gateway.schema.json'), 'utf8'));
});

test('config env has variables with defaults, values and settings, and hides secrets', async (t) => {
  const file = await written(t, { 'gateway.yaml': FILE });
  const env = { PORT: '9191', ADA_PASSWORD: 'correct horse' };
  const { status, stdout } = await runTidegate(['config', 'env', file], { env });
  assert.equal(status, 0);
  assert.deepEqual(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/)),
    [
      ['variable', 'default', 'value', 'settings'],
      ['ADA_PASSWORD', '***', '***', 'auth.users.basic.ada'],
      ['PORT', '9090', '9191', 'listeners.public.port'],
      ['TOPIC', 'required', '(not set)', 'pipelines.in.sink.topic.name'],
      ['WORD', '***', '(not set)', 'pipelines.in.sink.topic.headers.authorization'],
    ],
  );
  const json = JSON.parse((await runTidegate(['config', 'env', '--json', file], { env })).stdout) as object[];
  assert.deepEqual(json[1], {
    name: 'PORT',
    default: '9090',
    isSet: true,
    value: '9191',
    settings: ['listeners.public.port'],
  });
  assert.doesNotMatch(JSON.stringify(json), /horse|trials|words/);
  const none = await written(t, { 'gateway.yaml': 'log: { driver: embedded }\n' });
  assert.match((await tidegate('config', 'env', none)).stdout, /gateway\.yaml reads no variables\n$/);
  const broken = await written(t, { 'gateway.yaml': 'log: [\n' });
  assert.equal((await tidegate('config', 'env', broken)).status, 1);
});

test('config echo has each value with its origin, hides secrets, and is the same configuration again', async (t) => {
  const file = await written(t, { 'gateway.yaml': FILE });
  const env = { PORT: '9191', TOPIC: 'orders', ADA_PASSWORD: 'correct horse' };
  const { status, stdout } = await runTidegate(['config', 'echo', file], { env });
  assert.equal(status, 0);
  for (const line of [
    '  driver: embedded  # gateway.yaml:1',
    '      ada: "***"  # ${ADA_PASSWORD}, gateway.yaml:3',
    '      bob: "***"  # gateway.yaml:3',
    '    port: 9191  # ${PORT}, gateway.yaml:7',
    '    max_connections: 7  # gateway.yaml:5',
    '    max_payload: 1MiB  # default',
    '      - log  # gateway.yaml:13',
    '          text: ${! json.a } $${PORT}  # gateway.yaml:13',
    '        name: orders  # ${TOPIC}, gateway.yaml:15',
    '          authorization: "***"  # default of ${WORD}, gateway.yaml:15',
    '      count: 500  # default',
  ])
    assert.ok(stdout.split('\n').includes(line), `${line}\n${stdout}`);
  assert.doesNotMatch(stdout, /horse|hunter22|words/);
  const again = await written(t, { 'gateway.yaml': stdout });
  assert.deepEqual(parse((await runTidegate(['config', 'echo', again], { env })).stdout), parse(stdout));
});

test('config echo says which log auto has chosen, and prints JSON', async (t) => {
  const file = await written(t, { 'gateway.yaml': 'log: { brokers: "${BROKERS:}" }\n' });
  assert.match((await tidegate('config', 'echo', file)).stdout, /^ {2}driver: embedded {2}# auto, default$/m);
  const env = { BROKERS: 'a:9092,b:9092' };
  assert.match(
    (await runTidegate(['config', 'echo', file], { env })).stdout,
    /^ {2}driver: kafkajs {2}# auto, default$/m,
  );
  const json = JSON.parse((await runTidegate(['config', 'echo', '--json', file], { env })).stdout) as object[];
  assert.deepEqual(json[0], { path: 'log.brokers', value: 'a:9092,b:9092', from: '${BROKERS}, gateway.yaml:1' });
});

test('config echo prints mistakes in place of a configuration', async (t) => {
  const file = await written(t, { 'gateway.yaml': 'admin: { prot: 1 }\n' });
  const { status, stdout, stderr } = await tidegate('config', 'echo', file);
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /:1:10 {2}admin\.prot {2}unknown key in admin; did you mean "port"\?/);
});

test('config echo and env hide what is secret in a URL, and what files and commands give', async (t) => {
  const text = `log: { driver: embedded, client_id: "\${file:FILE}" }
tracing: { endpoint: "\${COLLECTOR:http://h/api/traces?token=hunter22}", service_name: "\${SERVICE_TOKEN:hunter44}" }
pipelines:
  in:
    source: { websocket_client: { url: "wss://feed.example.com/a?api_key=hunter33&from=\${! meta.cursor }", resume: { cursor: "\${! json.a }" } } }
    sink: { topic: { name: t } }
`;
  const held = await written(t, { 'held.txt': 'from-a-file\n' });
  const file = await written(t, { 'gateway.yaml': text.replace('FILE', held) });
  const { stdout, stderr } = await tidegate('config', 'echo', file);
  assert.equal(stderr, '');
  assert.match(stdout, /^ {2}client_id: "\*{3}" {2}# \$\{file:/m);
  assert.match(stdout, /url: wss:\/\/feed\.example\.com\/a\?api_key=\*\*\*&from=\$\{! meta\.cursor \} /);
  assert.doesNotMatch(stdout, /hunter|from-a-file/);
  const variables = (await tidegate('config', 'env', file)).stdout;
  assert.match(variables, /^SERVICE_TOKEN +\*{3} +\(not set\)/m);
  assert.match(variables, /^COLLECTOR +http:\/\/h\/api\/traces\?token=\*\*\* +\(not set\) +tracing\.endpoint$/m);
  assert.doesNotMatch(variables, /hunter|file:/);
});
