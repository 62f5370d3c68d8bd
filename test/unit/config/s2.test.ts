import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { findingsOf, PARSE_OPTIONS } from '../../../src/config/problem/issues.ts';
import { formatPath } from '../../../src/config/problem/problem.ts';
import { readS2 } from '../../../src/config/s2-settings.ts';
import { IGNORED, s2Schema } from '../../../src/config/schema/s2.ts';

const read = (options: unknown) => readS2(s2Schema.parse(options));
const settings = (options: unknown) => read(options).settings;
const warnings = (options: unknown) =>
  Object.fromEntries(read(options).warnings.map(({ path, message }) => [formatPath(path), message]));
const mistakes = (options: unknown) => {
  const parsed = s2Schema.safeParse(options, PARSE_OPTIONS);
  return parsed.success
    ? []
    : findingsOf(parsed.error.issues).map(({ path, message }) => `${formatPath(path)}: ${message}`);
};

/** The example of S2's README, with every option that it lists. */
const EXAMPLE = {
  kafka_config: {
    kafkaHost: 'kafka1:9092,kafka2:9092',
    clientId: 'test-kafka-client-2',
    connectTimeout: 1000,
    requestTimeout: 60000,
    autoConnect: true,
    no_zookeeper_client: true,
  },
  websocket_config: { port: '8085' },
  producer_config: { requireAcks: 1, ackTimeoutMs: 100, partitionerType: 2, mq_limit: 20000, mq_interval: 200 },
  consumer_config: {
    host: 'zookeeper:2181',
    kafkaHost: 'kafka1:9092,kafka2:9092',
    ssl: true,
    groupId: 'kafka-node-group',
    autoCommit: true,
    autoCommitIntervalMs: 500,
    fetchMaxWaitMs: 100,
    paused: false,
    maxNumSegments: 1000,
    fetchMinBytes: 1,
    fetchMaxBytes: 1024 * 1024,
    maxTickMessages: 1000,
    fromOffset: 'latest',
    outOfRangeOffset: 'earliest',
    sessionTimeout: 30000,
    retries: 10,
    retryFactor: 1.8,
    retryMinTimeout: 1000,
    connectOnReady: true,
    migrateHLC: false,
    migrateRolling: true,
    protocol: ['roundrobin'],
    mq_limit: 5000,
    mq_interval: 50,
  },
};

test('the example of S2 is taken as it is, and its options have their places', () => {
  assert.deepEqual(settings(EXAMPLE), {
    brokers: ['kafka1:9092', 'kafka2:9092'],
    clientId: 'test-kafka-client-2',
    port: 8085,
    group: 'kafka-node-group',
    from: 'latest',
    commit: 'auto',
    commitInterval: 500,
    sessionTimeout: 30000,
    paused: false,
    publish: { limit: 20000, interval: 200 },
    notify: { limit: 5000, interval: 50 },
  });
});

test('an option of the example without effect has a reason, unless it asks for what happens anyway', () => {
  const warned = warnings(EXAMPLE);
  assert.deepEqual(Object.keys(warned).sort(), [
    'consumer_config.fetchMaxBytes',
    'consumer_config.host',
    'consumer_config.maxNumSegments',
    'consumer_config.maxTickMessages',
    'consumer_config.migrateRolling',
    'consumer_config.protocol',
    'consumer_config.retries',
    'consumer_config.retryFactor',
    'consumer_config.retryMinTimeout',
    'consumer_config.ssl',
    'kafka_config.connectTimeout',
    'kafka_config.requestTimeout',
    'producer_config.ackTimeoutMs',
    'producer_config.requireAcks',
  ]);
  assert.match(warned['producer_config.requireAcks'] ?? '', /^without effect: it is always all \(-1\)/);
  for (const message of Object.values(warned)) assert.match(message, /^without effect: .{20,}/);
});

test('every option without effect is a warning with any value but the one that happens anyway', () => {
  for (const [section, options] of Object.entries(IGNORED)) {
    for (const [name, { same }] of Object.entries(options) as [string, { same?: unknown }][]) {
      for (const value of [null, 'x', 7, false, { a: 1 }]) {
        const warned = Object.keys(warnings({ [section]: { [name]: value } }));
        assert.deepEqual(warned, same === value ? [] : [`${section}.${name}`]);
      }
      if (same !== undefined) assert.deepEqual(warnings({ [section]: { [name]: same } }), {});
      assert.deepEqual(settings({ [section]: { [name]: 'x' } }), {});
    }
  }
});

test('no options give no warnings', () => {
  const nothing = { settings: {}, warnings: [] };
  assert.deepEqual(read({}), nothing);
  assert.deepEqual(read({ kafka_config: {}, consumer_config: { groupId: undefined, retries: undefined } }), nothing);
});

test('without an interval records go at once, in both directions', () => {
  for (const mq_interval of [null, 0, undefined]) {
    for (const mq_limit of [null, 0, undefined, 5000]) {
      const options = { producer_config: { mq_limit, mq_interval }, consumer_config: { mq_limit, mq_interval } };
      assert.deepEqual(read(options), { settings: {}, warnings: [] });
    }
  }
});

test('an interval without a limit sends at once as S2 does, with a warning', () => {
  for (const mq_limit of [null, 0, undefined]) {
    const { settings, warnings } = read({ consumer_config: { mq_limit, mq_interval: 50 } });
    assert.deepEqual(settings, {});
    assert.deepEqual(
      warnings.map(({ path }) => path),
      [['consumer_config', 'mq_interval']],
    );
  }
  assert.deepEqual(read({ producer_config: { mq_limit: 1, mq_interval: 50 } }), { settings: {}, warnings: [] });
});

test('values may be texts, as environment variables have them', () => {
  const options = {
    kafka_config: { kafkaHost: ' a:1, b:2 ' },
    consumer_config: { autoCommit: 'false', autoCommitIntervalMs: '250', mq_limit: '10', mq_interval: '5' },
  };
  assert.deepEqual(settings(options), {
    brokers: ['a:1', 'b:2'],
    commit: 'manual',
    commitInterval: 250,
    notify: { limit: 10, interval: 5 },
  });
});

test('without autoCommit a client commits by itself, and paused waits for its resume', () => {
  assert.deepEqual(settings({ consumer_config: { autoCommit: false, paused: true, fromOffset: 'earliest' } }), {
    from: 'earliest',
    commit: 'manual',
    paused: true,
  });
});

test('a group without an offset is not an error, so fromOffset none changes nothing', () => {
  const options = { consumer_config: { fromOffset: 'none' } };
  assert.deepEqual(settings(options), {});
  assert.match(warnings(options)['consumer_config.fromOffset'] ?? '', /starts where its endpoint says/);
});

test('TLS and a password come from either section, and kafka_config counts where both have them', () => {
  const sasl = { mechanism: 'plain', username: 'u', password: '0123' };
  for (const section of ['kafka_config', 'consumer_config']) {
    assert.deepEqual(read({ [section]: { kafkaHost: ['a:1'], sasl, sslOptions: {} } }), {
      settings: { brokers: ['a:1'], sasl, ssl: true },
      warnings: [],
    });
  }
  const both = { kafka_config: { kafkaHost: 'a:1', sasl }, consumer_config: { kafkaHost: 'b:2', sasl } };
  assert.deepEqual(settings(both).brokers, ['a:1']);
  assert.match(warnings(both)['consumer_config.kafkaHost'] ?? '', /one link to Kafka, that of kafka_config/);
  assert.deepEqual(Object.keys(warnings(both)), ['consumer_config.kafkaHost']);
});

test('sslOptions switch TLS on; certificates are files elsewhere', () => {
  const ssl = (sslOptions: unknown) => read({ kafka_config: { sslOptions } });
  assert.deepEqual(ssl(true), { settings: { ssl: true }, warnings: [] });
  assert.deepEqual(ssl(false), { settings: { ssl: false }, warnings: [] });
  assert.deepEqual(ssl({ rejectUnauthorized: false }), {
    settings: { ssl: { reject_unauthorized: false } },
    warnings: [],
  });
  const { settings, warnings } = ssl({ rejectUnauthorized: true, ca: 'PEM', key: 'PEM' });
  assert.equal(settings.ssl, true);
  assert.match(warnings[0]?.message ?? '', /but not ca, key; name the files/);
});

test('an option that S2 does not list is accepted with a warning that knows what was meant', () => {
  const warned = warnings({
    kafka_config: { mq_limit: 5, idleConnection: 1, constructor: 1 },
    consumer_config: { mq_intervall: 5, onRebalance: () => undefined },
  });
  assert.match(
    warned['kafka_config.mq_limit'] ?? '',
    /no such option in kafka_config; it is an option of producer_config$/,
  );
  assert.match(warned['kafka_config.idleConnection'] ?? '', /S2 lists no such option in kafka_config$/);
  assert.match(warned['kafka_config.constructor'] ?? '', /S2 lists no such option in kafka_config$/);
  assert.match(warned['consumer_config.mq_intervall'] ?? '', /did you mean "mq_interval"\?$/);
  assert.match(warned['consumer_config.onRebalance'] ?? '', /^without effect/);
});

test('a section that is unknown, or a value that cannot be meant, is a mistake', () => {
  assert.deepEqual(mistakes(EXAMPLE), []);
  assert.match(
    mistakes({ consumerConfig: {} })[0] ?? '',
    /^consumerConfig: unknown key .*did you mean "consumer_config"/,
  );
  assert.match(mistakes({ websocket_config: { port: 70000 } })[0] ?? '', /^websocket_config\.port: .*at most 65535/);
  assert.match(mistakes({ consumer_config: { mq_interval: -1 } })[0] ?? '', /^consumer_config\.mq_interval: /);
  assert.match(mistakes({ consumer_config: { fromOffset: 'newest' } })[0] ?? '', /^consumer_config\.fromOffset: /);
  assert.match(mistakes({ consumer_config: { groupId: '' } })[0] ?? '', /^consumer_config\.groupId: /);
  assert.match(mistakes({ kafka_config: { sasl: { mechanism: 'gssapi' } } })[0] ?? '', /^kafka_config\.sasl/);
});

test('the table of docs/moving-over.md has a row for each option, and none besides', () => {
  const path = import.meta.url.includes('/dist/') ? '../../../../docs/' : '../../../docs/';
  const page = readFileSync(new URL(`${path}moving-over.md`, import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+_config)\.(\w+)` \| (.*) \|$/gm)].map(([, section, name, meaning]) => ({
    option: `${section}.${name}`,
    isWithoutEffect: meaning?.startsWith('without effect') === true,
  }));
  const options = Object.entries(s2Schema.shape).flatMap(([section, schema]) =>
    Object.keys(schema.unwrap().shape).map((name) => ({
      option: `${section}.${name}`,
      isWithoutEffect: Object.hasOwn(IGNORED[section as keyof typeof IGNORED], name),
    })),
  );
  const byName = (one: { option: string }, other: { option: string }) => one.option.localeCompare(other.option);
  assert.deepEqual(rows.sort(byName), options.sort(byName));
});
