import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { ConfigError } from '../../../src/config/index.ts';
import { readConfig } from '../../../src/library/read-options.ts';

suite("S2's options", () => {
  test('alone give what S2 was: everything allowed at any path of one port, on the brokers that they name', async () => {
    const { config, warnings } = await readConfig({
      s2: {
        kafka_config: { kafkaHost: 'one:9092,two:9092', clientId: 'gate' },
        producer_config: { mq_limit: 20_000, mq_interval: 200 },
        consumer_config: { mq_limit: 5_000, mq_interval: null },
        websocket_config: { port: 8_086 },
      },
    });
    assert.deepEqual(warnings, []);
    const { log, listeners, admin, pipelines } = config;
    assert.deepEqual([log.driver, log.brokers, log.client_id], ['kafkajs', ['one:9092', 'two:9092'], 'gate']);
    assert.deepEqual([Object.keys(listeners), listeners.topics?.port], [['topics'], 8_086]);
    assert.deepEqual([admin.enabled, pipelines], [false, {}]);
    const { topics: endpoint } = config.endpoints;
    assert.deepEqual(Object.keys(config.endpoints), ['topics']);
    assert.deepEqual([endpoint?.path, endpoint?.codec.spec.name], [['*'], 'topics']);
    const { create, read, write, groups } = endpoint?.allow ?? {};
    const names = [create, read, write, groups].map((patterns) => patterns?.map(({ text }) => text));
    assert.deepEqual(names, [['*'], ['*'], ['*'], ['*']]);
    assert.equal(endpoint?.topics.group, 'kafka-node-group');
    assert.deepEqual(endpoint?.topics.publish, { limit: 20_000, interval: 200 });
  });

  test('without a port mean 8085, and without brokers are never the embedded log by accident', async () => {
    const kafka = await readConfig({ s2: { kafka_config: { kafkaHost: 'one:9092' } } });
    assert.deepEqual([Object.keys(kafka.config.listeners), kafka.config.listeners.topics?.port], [['topics'], 8_085]);
    await assert.rejects(readConfig({ s2: {} }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(
        error.problems.map(({ path }) => path),
        ['log.brokers'],
      );
      return true;
    });
  });

  test('can be given beside a configuration, which may have more listeners and endpoints', async () => {
    const { config } = await readConfig({
      s2: { websocket_config: { port: 0 }, consumer_config: { groupId: 'mine' } },
      config: {
        log: { driver: 'embedded', embedded: { memory: true } },
        listeners: { other: { port: 9_090 } },
        endpoints: { ticks: { listener: 'other', path: '/ticks', codec: 'json' } },
        pipelines: { ticks: { source: { endpoint: 'ticks' }, sink: { topic: { name: 'ticks' } } } },
      },
    });
    assert.equal(config.log.driver, 'embedded');
    assert.deepEqual(Object.keys(config.endpoints), ['topics', 'ticks']);
    const ports = Object.entries(config.listeners).map(([name, { port }]) => [name, port]);
    assert.deepEqual(ports, [
      ['topics', 0],
      ['other', 9_090],
    ]);
    assert.equal(config.endpoints.topics?.topics.group, 'mine');
  });

  test('are warned about where they have no effect', async () => {
    const { warnings } = await readConfig({
      s2: { kafka_config: { kafkaHost: 'one:9092' }, producer_config: { requireAcks: 1 } },
    });
    assert.deepEqual(
      warnings.map(({ path }) => path),
      ['endpoints.topics.s2.producer_config.requireAcks'],
    );
  });
});

suite('a configuration', () => {
  test('is an object whose texts are taken as they are, without an admin port unless it asks for one', async () => {
    const log = { driver: 'embedded', embedded: { path: '${NOT_SET_ANYWHERE}' } } as const;
    const { config } = await readConfig({ config: { log } });
    assert.equal(config.log.embedded.path, '${NOT_SET_ANYWHERE}');
    assert.equal(config.admin.enabled, false);
    const { config: asking } = await readConfig({ config: { log, admin: { port: 0 } } });
    assert.deepEqual(asking.admin, { enabled: true, port: 0, allowed_hosts: [] });
  });

  test('is YAML, or a file of it, as on the command line', async (t) => {
    const yaml = 'log: { driver: embedded, embedded: { path: "${NOT_SET_ANYWHERE:./data}" } }';
    const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'gateway.yaml');
    writeFileSync(file, yaml);
    for (const { config } of [await readConfig({ config: yaml }), await readConfig({ config: { file } })]) {
      assert.equal(config.log.embedded.path, './data');
      assert.deepEqual(config.admin, { enabled: true, port: 8_080, allowed_hosts: [] });
    }
  });

  test('needs no port for a listener that a server replaces', async () => {
    const config = {
      log: { driver: 'embedded' },
      listeners: { shop: {}, other: {} },
      endpoints: {
        shop: { listener: 'shop', path: '/', codec: 'raw' },
        other: { listener: 'other', path: '/', codec: 'raw' },
      },
    } as const;
    await assert.rejects(readConfig({ config, server: { shop: createServer() } }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(
        error.problems.filter(({ severity }) => severity === 'error').map(({ path }) => path),
        ['listeners.other.port'],
      );
      return true;
    });
  });
});
