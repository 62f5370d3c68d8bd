import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { looksLikeBrokers } from '../../../src/config/driver.ts';
import { loadConfig } from '../../../src/config/index.ts';
import { productionSign } from '../../../src/config/production.ts';
import { failureOf } from './fixture.ts';

const text = 'log: { driver: "${KAFKA_DRIVER:auto}", brokers: "${KAFKA_BROKERS:}" }';
const load = (env: Readonly<Record<string, string>>, production: string | null = null) =>
  loadConfig({ text, name: 'test.yaml' }, { env, production });

describe('driver: auto', () => {
  test('is Kafka where brokers are given, in a deployment too', async () => {
    const { config } = await load({ KAFKA_BROKERS: 'a:9092,b:9092' }, 'NODE_ENV is production');
    assert.equal(config.log.driver, 'kafkajs');
    assert.deepEqual(config.log.brokers, ['a:9092', 'b:9092']);
  });

  test('is the embedded log where nothing hints at a Kafka', async () => {
    assert.equal((await load({ PATH: '/bin', KAFKA_BROKER: '' })).config.log.driver, 'embedded');
  });

  for (const name of ['KAFKA_BROKER', 'KAFKA_BOOTSTRAP_SERVERS', 'kafkaBootstrapServers']) {
    test(`refuses to guess where ${name} is set and not read`, async () => {
      const failure = await failureOf(load({ [name]: 'a:9092' }));
      assert.equal(failure?.code, 'TG_DRIVER_AMBIGUOUS');
      assert.match(
        failure?.message ?? '',
        new RegExp(`^test\\.yaml:1:16 {2}log\\.driver {2}${name} is set, but .* did you mean KAFKA_BROKERS\\?`),
      );
    });
  }

  test('is Kafka where the file reads such a variable', async () => {
    const reading = { text: 'log: { brokers: "${KAFKA_BROKERS:${KAFKA_BROKER:}}" }', name: 'test.yaml' };
    const { config } = await loadConfig(reading, { env: { KAFKA_BROKER: 'a:9092' }, production: null });
    assert.equal(config.log.driver, 'kafkajs');
  });

  test('is never the embedded log in a deployment', async () => {
    const failure = await failureOf(load({}, 'this runs in Kubernetes'));
    assert.equal(failure?.code, 'TG_DRIVER_AMBIGUOUS');
    assert.match(
      failure?.message ?? '',
      /because this runs in Kubernetes; set KAFKA_BROKERS, or log\.driver: embedded/,
    );
  });

  test('is reported beside other mistakes', async () => {
    const both = { text: `${text}\nadmin: { prot: 1 }`, name: 'test.yaml' };
    const failure = await failureOf(loadConfig(both, { env: { KAFKA_BROKER: 'a:1' }, production: null }));
    assert.equal(failure?.code, 'TG_CONFIG_INVALID');
    assert.deepEqual(
      failure?.problems.map(({ code }) => code),
      ['TG_DRIVER_AMBIGUOUS', 'TG_CONFIG_INVALID'],
    );
  });
});

describe('a driver that is set', () => {
  test('is taken, whatever the surroundings hint at', async () => {
    const { config } = await load({ KAFKA_DRIVER: 'embedded', KAFKA_BROKER: 'a:1' }, 'NODE_ENV is production');
    assert.equal(config.log.driver, 'embedded');
  });

  test('kafkajs needs brokers', async () => {
    const failure = await failureOf(load({ KAFKA_DRIVER: 'kafkajs' }));
    assert.match(
      failure?.message ?? '',
      /log\.brokers {2}log\.driver is kafkajs, but there are no brokers; set KAFKA_BROKERS/,
    );
  });
});

test('variables that look like a broker list are recognised', () => {
  const brokers = [
    'KAFKA_BROKERS',
    'KAFKA_BROKER_LIST',
    'kafka.bootstrap.servers',
    'SPRING_KAFKA_BOOTSTRAP_SERVERS',
    'REDPANDA_BROKERS',
  ];
  const others = ['KAFKA_GROUP_ID', 'KAFKA_DRIVER', 'MQTT_BROKER', 'DNS_SERVERS', 'KAFKA_LOG_DIRS', 'KAFKA_BROKER_ID'];
  assert.deepEqual(
    brokers.filter((name) => !looksLikeBrokers(name)),
    [],
  );
  assert.deepEqual(others.filter(looksLikeBrokers), []);
});

test('production and Kubernetes are signs of a deployment', () => {
  assert.match(productionSign({ NODE_ENV: 'production' }) ?? '', /NODE_ENV/);
  assert.match(productionSign({ KUBERNETES_SERVICE_HOST: '10.0.0.1' }) ?? '', /Kubernetes/);
});
