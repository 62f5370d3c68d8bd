import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { builtinRegistry, loadConfig } from '../../../src/config/index.ts';
import { componentsIn } from '../../../src/config/schema/step-schema.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import type { Expression } from '../../../src/sdk/expression.ts';
import { defineProcessor, z } from '../../../src/sdk/index.ts';
import { failureOf, load, yaml } from './fixture.ts';

describe('a configuration that is right', () => {
  test('has every default filled in, in milliseconds and bytes', async () => {
    const { config, warnings } = await load(yaml());
    assert.deepEqual(warnings, []);
    assert.equal(config.log.driver, 'embedded');
    assert.deepEqual(config.log.topics, { chat: { partitions: 3, create: true } });
    assert.deepEqual(config.admin, { enabled: true, port: 8080, allowed_hosts: [] });
    assert.deepEqual(config.shutdown, { timeout: 25_000, jitter: 5_000 });
    assert.deepEqual(config.memory, { limit: 512 * 1_024 * 1_024, groups: 64 * 1_024 * 1_024 });
    const { codec, ...rooms } = config.endpoints.rooms ?? assert.fail('no endpoint');
    assert.equal(codec.spec.name, 'envelope');
    assert.deepEqual(rooms, {
      listener: 'public',
      path: ['/ws'],
      direction: 'both',
      max_connections: 10_000,
      max_payload: 1_048_576,
      in_flight: { messages: 4_096, bytes: 1_048_576 },
      slow_consumer: { queue: 1_048_576, when_full: 'disconnect' },
      ping: { interval: 20_000, timeout: 20_000 },
      frame_timeout: 30_000,
      stall_timeout: 30_000,
      sse: false,
      limits: { burst: 1_000, when_over: 'slow', per_identity: {} },
      meta_headers: [],
      on_filtered: 'ack',
      rejected: 'answer',
      topics: {
        group: 'tidegate',
        from: 'latest',
        in_flight: { messages: 65_536, bytes: 67_108_864 },
        publish: { limit: 1_000, interval: 0 },
        notify: { limit: 1_000, interval: 0 },
        paused: false,
        commit_interval: 1_000,
        session_timeout: 10_000,
        max_topics: 100,
        creates_per_minute: 60,
        max_groups: 1_000,
        groups_per_minute: 600,
        max_partitions: 10_000,
        max_replication: 100,
        max_config: {},
      },
    });
    const pipeline = config.pipelines.in ?? assert.fail('no pipeline');
    assert.deepEqual(pipeline.batch, { count: 500, bytes: 524_288, period: 5 });
    assert.deepEqual(pipeline.in_flight, { messages: 16_384, bytes: 67_108_864 });
    assert.deepEqual(pipeline.on_error, { retries: 5, backoff: { initial: 100, max: 10_000 }, skip: false });
  });

  test('takes a component by its name alone, with settings, and with settings left empty', async () => {
    const endpoints = (codec: string) => ({
      endpoints: `endpoints:\n  rooms:\n    listener: public\n    path: /ws\n    codec: ${codec}`,
    });
    for (const codec of ['json', '{ json: { answers: false } }', '\n      json:']) {
      const { config } = await load(yaml(endpoints(codec)));
      assert.equal(config.endpoints.rooms?.codec.spec.name, 'json');
    }
  });

  test('may be an object, whose texts are taken as they are', async () => {
    const { config } = await loadConfig(
      { log: { driver: 'embedded', client_id: '${NOT_FILLED}' }, listeners: { a: { port: 0 } } },
      { env: {}, production: null },
    );
    assert.equal(config.log.client_id, '${NOT_FILLED}');
    assert.deepEqual(config.listeners, {
      a: {
        port: 0,
        trusted_proxies: [],
        proxy_protocol: 'off',
        limits: { per_address: {}, handshake_timeout: 10_000, headers: { bytes: 16_384, count: 100 } },
      },
    });
  });

  test('does not change the object that it is made from', async () => {
    const settings = { log: { driver: 'embedded' }, admin: { prot: 1 } };
    await failureOf(loadConfig(settings, { env: {}, production: null }));
    assert.deepEqual(settings, { log: { driver: 'embedded' }, admin: { prot: 1 } });
  });
});

describe('variables', () => {
  test('get the type that the schema asks for', async () => {
    const { config } = await load(
      yaml({
        log: 'log: { driver: "${DRIVER}", brokers: "${BROKERS}", topics: { chat: { create: "${CREATE}" } }, sasl: { mechanism: plain, username: u, password: "${PASSWORD}" } }',
        listeners: 'listeners: { public: { port: "${PORT}" } }',
        memory: 'memory: { limit: "${LIMIT}" }',
        tracing: 'tracing: { sample: "${SAMPLE}" }',
      }),
      {
        DRIVER: 'kafkajs',
        BROKERS: 'a:1, b:2',
        CREATE: 'false',
        PASSWORD: '0123',
        PORT: '7000',
        LIMIT: '1MiB',
        SAMPLE: '0.5',
      },
    );
    assert.equal(config.log.driver, 'kafkajs');
    assert.deepEqual(config.log.brokers, ['a:1', 'b:2']);
    assert.equal(config.log.topics.chat?.create, false);
    assert.equal(config.log.sasl?.password, '0123');
    assert.equal(config.listeners.public?.port, 7_000);
    assert.equal(config.memory.limit, 1_048_576);
    assert.equal(config.tracing.sample, 0.5);
  });

  test('get the type that a plugin asks for with plain zod', async () => {
    const registry = builtinRegistry();
    registry.add(
      defineProcessor({
        name: 'limit',
        summary: 'Test.',
        config: z.strictObject({ most: z.number(), strict: z.boolean() }),
        examples: [],
        create: () => ({ process: (message) => message }),
      }),
      'test',
    );
    const text = yaml({
      pipelines:
        'pipelines: { in: { source: { endpoint: rooms }, processors: [{ limit: { most: "${MOST}", strict: "${STRICT}" } }], sink: { topic: { name: chat } } } }',
    });
    const { config } = await loadConfig(
      { text, name: 'x' },
      { registry, env: { MOST: '12', STRICT: 'true' }, production: null },
    );
    assert.deepEqual(processorsOf(config)[0]?.config, { most: 12, strict: true });
  });

  test('may be in the name of a topic', async () => {
    const { config } = await load(
      yaml({
        log: 'log: { driver: embedded, topics: { "${TOPIC:chat}": { partitions: 1 } } }',
        pipelines: 'pipelines: { in: { source: { endpoint: rooms }, sink: { topic: { name: "${TOPIC:chat}" } } } }',
      }),
      { TOPIC: 'other' },
    );
    assert.deepEqual(Object.keys(config.log.topics), ['other']);
  });

  test('cannot bring an expression in, but an expression of the file works beside them', async () => {
    const { config } = await load(
      yaml({
        pipelines:
          'pipelines: { in: { source: { endpoint: rooms }, sink: { topic: { name: chat, key: "${KEY} $${! text } ${! text }" } } } }',
      }),
      { KEY: '${! meta.secret }' },
    );
    const { key } = (config.pipelines.in ?? assert.fail('no pipeline')).sink.config as { key: Expression };
    assert.equal(key.evaluate(new Message(Buffer.from('hi'))), '${! meta.secret } ${! text } hi');
  });

  test('reach a plain text exactly, even with ${! in them', async () => {
    const password = 'a${! b }c';
    const log =
      'log: { driver: kafkajs, brokers: "a:1", sasl: { mechanism: plain, username: u, password: "${PASSWORD}" }, topics: { chat: {} } }';
    const { config } = await load(yaml({ log }), { PASSWORD: password });
    assert.equal(config.log.sasl?.password, password);
  });
});

describe('plugins', () => {
  test('are loaded beside the file before its components are looked up', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'tidegate-config-'));
    t.after(() => rm(folder, { recursive: true }));
    const sdk = new URL('../../../src/sdk/index.ts', import.meta.url).href.replace(
      /\.ts$/,
      import.meta.url.endsWith('.js') ? '.js' : '.ts',
    );
    await writeFile(
      join(folder, 'shout.mjs'),
      `import { defineProcessor, z } from ${JSON.stringify(sdk)};
       export default defineProcessor({ name: 'shout', summary: 'Louder.', config: z.strictObject({}), examples: [{}], create: () => ({ process: (m) => m }) });`,
    );
    const pipelines =
      'pipelines: { in: { source: { endpoint: rooms }, processors: [shout], sink: { topic: { name: chat } } } }';
    await writeFile(join(folder, 'gateway.yaml'), yaml({ plugins: 'plugins: [./shout.mjs]', pipelines }));
    const { config } = await loadConfig(join(folder, 'gateway.yaml'), { env: {}, production: null });
    assert.equal(processorsOf(config)[0]?.spec.name, 'shout');
  });

  test('that cannot be loaded are a mistake at their place', async () => {
    const failure = await failureOf(load(yaml({ plugins: 'plugins: [./nowhere.mjs]' })));
    assert.equal(failure?.code, 'TG_PLUGIN_MISSING');
    assert.match(
      failure?.message ?? '',
      /^test\.yaml:12:11 {2}plugins\[0\] {2}the plugin \.\/nowhere\.mjs cannot be loaded: .* \(TG_PLUGIN_MISSING\)$/,
    );
  });
});

test('a configuration says which files were read', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-config-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'gateway.yaml');
  await writeFile(file, yaml());
  assert.deepEqual((await loadConfig(file, { env: {}, production: null })).files, [file]);
  assert.deepEqual((await load(yaml())).files, []);
});

test('a file that is not there is named', async () => {
  await assert.rejects(loadConfig('/nowhere/x.yaml'), (error: unknown) => {
    assert.ok(error instanceof TidegateError);
    assert.equal(error.code, 'TG_CONFIG_UNREADABLE');
    assert.match(error.message, /\/nowhere\/x\.yaml cannot be read: there is no such file/);
    return true;
  });
});

const processorsOf = ({ pipelines }: Awaited<ReturnType<typeof loadConfig>>['config']) =>
  componentsIn(pipelines.in?.processors ?? [], []).map(({ chosen }) => chosen);
