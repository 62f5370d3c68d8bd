import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { builtinRegistry, loadConfig } from '../../../src/config/index.ts';
import { configJsonSchema } from '../../../src/config/reference/json-schema.ts';
import { yaml } from './fixture.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../../' : '../../../', import.meta.url));
const SCHEMA_FILE = join(ROOT, 'config/gateway.schema.json');

const schema = configJsonSchema(builtinRegistry());
const validate = new Ajv2020({
  strict: true,
  allowUnionTypes: true,
  allErrors: true,
  formats: { 'date-time': true, base64: true },
  keywords: ['x-file'],
}).compile(schema);

describe('every configuration that we ship', () => {
  const files = ['config', 'config/examples', 'config/examples/feeds'].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => join(ROOT, folder, name)),
  );
  assert.ok(files.length >= 2);
  for (const file of files) {
    const name = file.slice(ROOT.length);
    const text = readFileSync(file, 'utf8');

    test(`${name} fits the JSON Schema, and its first line leads an editor there`, () => {
      validate(parse(text));
      assert.deepEqual(validate.errors ?? [], []);
      const path = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1] ?? assert.fail('no $schema line');
      assert.equal(resolve(dirname(file), path), SCHEMA_FILE);
    });

    if (name.endsWith('_test.yaml')) continue; // It has tests alone.
    test(`${name} loads without a doubt, and reads the variables that every configuration reads`, async () => {
      const env = {
        PORT: '7001',
        ADMIN_PORT: '7002',
        KAFKA_BROKERS: 'a:1,b:2',
        DATA_DIR: '/tmp/x',
        JAEGER_ENDPOINT: 'http://j/',
        TRACE_SAMPLE: '0.25',
      };
      const { config, warnings } = await loadConfig(file, { env, production: null });
      assert.deepEqual(
        warnings.filter(({ severity }) => severity === 'warning'),
        [],
      );
      // A configuration of connectors or feeds alone serves no WebSockets.
      if (Object.keys(config.endpoints).length > 0) assert.equal(config.listeners.public?.port, 7_001);
      assert.equal(config.admin.port, 7_002);
      assert.deepEqual(config.log.brokers, ['a:1', 'b:2']);
      assert.equal(config.log.driver, 'kafkajs');
      assert.equal(config.log.embedded.path, '/tmp/x');
      assert.equal(config.tracing.endpoint, 'http://j/');
      assert.equal(config.tracing.sample, 0.25);
    });
  }

  test("integration.yaml reads the integration's own variables", async () => {
    const env = { kafkaBootstrapServers: 'k:9092', kafkaGroupId: 'chat-7', kafkaTopic: 'news', websocketPort: '7000' };
    const { config } = await loadConfig(join(ROOT, 'config/examples/integration.yaml'), { env, production: null });
    assert.deepEqual(config.log.brokers, ['k:9092']);
    assert.equal(config.log.client_id, 'chat-7');
    assert.deepEqual(Object.keys(config.log.topics), ['news']);
    assert.equal(config.listeners.public?.port, 7_000);
    const source = config.pipelines['messages-out']?.source;
    assert.ok(source !== undefined && 'config' in source);
    assert.deepEqual(source.config, { names: ['news'], from: 'latest' });
    const { config: plain } = await loadConfig(join(ROOT, 'config/examples/integration.yaml'), {
      env: {},
      production: null,
    });
    assert.equal(plain.log.client_id, 'websocket-consumer-group');
    assert.deepEqual(Object.keys(plain.log.topics), ['websocket-messages']);
    assert.equal(plain.listeners.public?.port, 9_090);
  });
});

test('the schema in the repository is the one that the code makes', () => {
  assert.deepEqual(JSON.parse(readFileSync(SCHEMA_FILE, 'utf8')), JSON.parse(JSON.stringify(schema)));
});

describe('typical mistakes do not fit', () => {
  const cases: [title: string, text: string, at: string][] = [
    ['an unknown section', yaml({ more: 'pipelins: {}' }), ''],
    ['an unknown setting', yaml({ admin: 'admin: { prot: 1 }' }), '/admin'],
    ['text where a number is due', yaml({ admin: 'admin: { port: many }' }), '/admin/port'],
    ['a port out of range', yaml({ admin: 'admin: { port: 99999 }' }), '/admin/port'],
    ['a duration without unit', yaml({ shutdown: 'shutdown: { timeout: 25 }' }), '/shutdown/timeout'],
    ['a size with an unknown unit', yaml({ memory: 'memory: { limit: 5 MB }' }), '/memory/limit'],
    ['a word that is none of the list', yaml({ log: 'log: { driver: kafka }' }), '/log/driver'],
    [
      'a codec that there is not',
      yaml({ endpoints: 'endpoints: { a: { listener: public, path: /, codec: envelop } }' }),
      '/endpoints/a/codec',
    ],
    [
      'a path without its slash',
      yaml({ endpoints: 'endpoints: { a: { listener: public, path: ws, codec: raw } }' }),
      '/endpoints/a/path',
    ],
    [
      'a pipeline without a sink',
      yaml({ pipelines: 'pipelines: { in: { source: { endpoint: rooms } } }' }),
      '/pipelines/in',
    ],
    [
      'two sources',
      yaml({
        pipelines: 'pipelines: { in: { source: { endpoint: a, topic: { names: [b] } }, sink: { endpoint: a } } }',
      }),
      '/pipelines/in/source',
    ],
    [
      'a topic sink without a name',
      yaml({ pipelines: 'pipelines: { in: { source: { endpoint: a }, sink: { topic: {} } } }' }),
      '/pipelines/in/sink/topic',
    ],
    [
      'a template with something else beside it in a list of processors',
      yaml({
        pipelines:
          'pipelines: { in: { source: { endpoint: a }, processors: [ { template: t, on_error: skip } ], sink: drop } }',
      }),
      '/pipelines/in/processors/0',
    ],
    [
      'a template without a list of processors',
      yaml({ more: 'templates: { t: { processors: [] } }' }),
      '/templates/t/processors',
    ],
    [
      'a parameter of an unknown type',
      yaml({ more: 'templates: { t: { parameters: { n: { type: int } } } }' }),
      '/templates/t/parameters/n/type',
    ],
    [
      'a processor that needs settings',
      yaml({
        pipelines: 'pipelines: { in: { source: { endpoint: a }, processors: [filter], sink: { endpoint: a } } }',
      }),
      '/pipelines/in/processors/0',
    ],
  ];
  for (const [title, text, at] of cases) {
    test(title, () => {
      assert.equal(validate(parse(text)), false);
      const places = validate.errors?.map(({ instancePath }) => instancePath);
      assert.ok(places?.includes(at), `${at} is not among ${places?.join(' ')}`);
    });
  }
});

test('what the loader takes also fits the schema: bare names, empty settings, lists as text, variables', () => {
  const text = yaml({
    log: 'log: { driver: "${D}", brokers: "a,b", topics: { "${T}": { partitions: "${P:3}", config: { retention.ms: 5 } } }, ssl: "${S:false}" }',
    pipelines:
      'pipelines: { in: { source: { endpoint: a }, processors: [log, { log: }, { log: { level: "${L}" } }], sink: { endpoint: a } } }',
    memory: 'memory: { limit: "${M}" }',
  });
  validate(parse(text));
  assert.deepEqual(validate.errors ?? [], []);
});
