import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { ConfigError, formatProblem } from '../../../../src/config/index.ts';
import { loadStandalone } from '../../../../src/connect/settings/standalone/standalone.ts';

const WORKER = 'bootstrap.servers=localhost:9092\noffset.storage.file.filename=/var/lib/connect.offsets\n';
const FEED = 'name=feed\nconnector.class=WebSocketSource\nwebsocket.url=ws://feed.test\nkafka.topic=t\n';

/** Loads a worker and connectors that are written as files. */
async function load(t: TestContext, worker: string, connectors: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-standalone-'));
  t.after(() => rm(folder, { recursive: true }));
  const paths: string[] = [];
  for (const [name, text] of Object.entries({ worker, ...connectors })) {
    paths.push(join(folder, name));
    await writeFile(paths.at(-1) as string, text); // it was pushed just now
  }
  const [first = '', ...others] = paths;
  const plain = (text: string) => text.replaceAll(`${folder}/`, '');
  try {
    const loaded = await loadStandalone({ worker: first, connectors: others }, { admin: { enabled: false } });
    return { ...loaded, told: loaded.warnings.map((warning) => plain(formatProblem(warning))) };
  } catch (error) {
    if (error instanceof ConfigError) throw new Error(plain(error.message), { cause: error });
    throw error;
  }
}

async function mistakes(t: TestContext, worker: string, connectors?: Readonly<Record<string, string>>) {
  const error = await load(t, worker, connectors).then(
    () => assert.fail('it was taken'),
    (failure: Error) => failure,
  );
  return error.message.split('\n');
}

describe('the files of a standalone worker', () => {
  test('become a gateway on Kafka with connectors of its own', async (t) => {
    const { config, standalone, told } = await load(t, WORKER, { feed: FEED });
    assert.deepEqual([config.log.driver, config.log.brokers], ['kafkajs', ['localhost:9092']]);
    assert.deepEqual([config.connect?.host, config.connect?.port], ['127.0.0.1', 8_083]);
    assert.equal(standalone.directory, '/var/lib/connect.offsets.tidegate');
    assert.deepEqual(standalone.connectors, [
      {
        name: 'feed',
        state: 'RUNNING',
        config: {
          name: 'feed',
          'connector.class': 'WebSocketSource',
          'websocket.url': 'ws://feed.test',
          'kafka.topic': 't',
        },
      },
    ]);
    assert.deepEqual(told, []);
  });

  test('may be JSON: the settings alone, or a request to the API', async (t) => {
    const config = { 'connector.class': 'WebSocketSource', 'websocket.url': 'ws://feed.test', 'kafka.topic': 't' };
    const { standalone } = await load(t, WORKER, {
      alone: JSON.stringify({ name: 'one', 'tasks.max': 1, ...config }),
      request: JSON.stringify({ name: 'two', config, initial_state: 'paused' }),
    });
    assert.deepEqual(
      standalone.connectors.map(({ name, state, config: { 'tasks.max': tasks } }) => [name, state, tasks]),
      [
        ['one', 'RUNNING', '1'],
        ['two', 'PAUSED', undefined],
      ],
    );
  });

  test('set the address of the API, by listeners or the older names', async (t) => {
    const of = async (lines: string) => {
      const { config } = await load(t, `${WORKER}${lines}`);
      return [config.connect?.host, config.connect?.port, config.connect?.advertised];
    };
    assert.deepEqual(await of('listeners=HTTP://:8084'), ['0.0.0.0', 8_084, '']);
    assert.deepEqual(await of('listeners=http://[::1]:1\nrest.port=2'), ['::1', 1, '']);
    assert.deepEqual(await of('rest.host.name=gw\nrest.port=8085\nrest.advertised.host.name=gw.test'), [
      'gw',
      8_085,
      'http://gw.test:8085',
    ]);
  });

  test("set how brokers are reached, by Kafka's names", async (t) => {
    const { config } = await load(
      t,
      `${WORKER}bootstrap.servers=SASL_SSL://one:1, [::1]:2
client.id=us
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\
  username="us" password="ge\\\\"heim;";
ssl.truststore.type=PEM
ssl.truststore.location=/ca.pem
ssl.keystore.type=pem
ssl.keystore.location=/us.pem
`,
    );
    const { brokers, client_id, ssl, sasl } = config.log;
    assert.deepEqual([brokers, client_id], [['one:1', '[::1]:2'], 'us']);
    assert.deepEqual(ssl, { ca: '/ca.pem', cert: '/us.pem', key: '/us.pem', reject_unauthorized: true });
    assert.deepEqual(sasl, { mechanism: 'scram-sha-512', username: 'us', password: 'ge"heim;' });
  });

  test('set converters for connectors that have none', async (t) => {
    const { config } = await load(t, `${WORKER}value.converter=JsonConverter\nvalue.converter.schemas.enable=false\n`);
    assert.deepEqual(config.connect?.defaults, {
      'value.converter': 'JsonConverter',
      'value.converter.schemas.enable': 'false',
    });
  });

  test('set the compression of batches, except zstd', async (t) => {
    const lz4 = await load(t, `${WORKER}producer.compression.type=LZ4\n`);
    assert.deepEqual([lz4.config.log.compression, lz4.told], ['lz4', []]);
    const zstd = await load(t, `${WORKER}producer.compression.type=zstd\n`);
    assert.equal(zstd.config.log.compression, 'none');
    assert.match(zstd.told[0] ?? '', /^worker:3:1 {2}producer\.compression\.type {2}warning: zstd is not written here/);
    assert.deepEqual(await mistakes(t, `${WORKER}producer.compression.type=brotli\n`), [
      'worker:3:1  producer.compression.type  expected one of none, gzip, snappy, lz4, got brotli',
    ]);
  });

  test('cause one warning for settings that are ignored', async (t) => {
    const lines = [
      'plugin.path=/usr/share',
      'offset.flush.interval.ms=1',
      'producer.acks=1',
      'group.id=x',
      'a=1',
      'b=2',
    ];
    const { told } = await load(t, `${WORKER}${lines.join('\n')}`);
    assert.deepEqual(told, [
      'worker  a, b  warning: unknown, and ignored',
      'worker:3:1  plugin.path  warning: is ignored here: the classes of connectors are built in',
      'worker:4:1  offset.flush.interval.ms  warning: is ignored here: offsets are saved within a second of their change, and at the end',
      'worker:5:1  producer.acks  warning: is ignored here: what is set without that prefix holds for everything that is written and read',
      'worker:6:1  group.id  warning: is ignored here: a standalone worker shares nothing with others',
    ]);
  });

  test('are refused with every mistake, by file, line and key, and no secret', async (t) => {
    assert.deepEqual(await mistakes(t, '#\n'), [
      'worker  bootstrap.servers  is missing: the brokers as host:port, with commas',
      'worker  offset.storage.file.filename  is missing: where offsets are kept',
    ]);
    const worker = `${WORKER}rest.port=x
value.converter=Avro
security.protocol=SASL_SSL
sasl.mechanism=GSSAPI
sasl.jaas.config=Module required password=geheim;
ssl.truststore.location=/jks
`;
    assert.deepEqual(await mistakes(t, worker), [
      'worker  ssl.truststore.type  JKS cannot be read here, PEM can; openssl pkcs12 makes PEM files of PKCS12, and keytool -importkeystore PKCS12 of JKS',
      'worker:3:1  rest.port  expected a port, got x',
      'worker:4:1  value.converter  there is no converter Avro',
      'worker:6:1  sasl.mechanism  expected one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, got GSSAPI',
      'worker:7:1  sasl.jaas.config  expected a login module with username="..." and password="..."',
    ]);
    assert.match(
      (await mistakes(t, `${WORKER}listeners=https://:1`))[0] ?? '',
      /^worker:3:1 {2}listeners {2}expected one/,
    );
    assert.deepEqual(await mistakes(t, `${WORKER}x=\\u12`), ['worker  line 3: \\u needs four hexadecimal digits']);
  });

  test('are refused if a connector lacks a name or class, is invalid, or repeats a name', async (t) => {
    const wrong = {
      nameless: FEED.replace('name=feed\n', ''),
      classless: FEED.replace('connector.class=WebSocketSource\n', '').replace('feed', 'b'),
      unknown: FEED.replace('WebSocketSource', 'Jdbc').replace('feed', 'c'),
      setting: `${FEED.replace('name=feed', 'name=d')}tasks.max=0\nwebsocket.auth.token=[hidden]\n`,
      first: FEED,
      second: FEED,
      broken: '{"name":',
      nested: '{"name":"e","kafka.topic":[]}',
      odd: '{"name":"f","config":{"name":"g"},"initial_state":"ASLEEP"}',
    };
    assert.deepEqual(await mistakes(t, WORKER, wrong), [
      'nameless  name  is missing: the name of the connector',
      'classless  connector.class  is missing: the class of the connector',
      'unknown:2:1  connector.class  there is no class Jdbc; there are tidegate.WebSocketSinkConnector, io.conduktor.connect.websocket.WebSocketSourceConnector, tidegate.WebSocketSourceConnector',
      'setting:5:1  tasks.max  Invalid value 0 for configuration tasks.max: Value must be at least 1',
      'setting:6:1  websocket.auth.token  has [hidden] in it, which is shown in place of a secret; write the secret',
      `second:1:1  name  ${'first'} has a connector feed as well`,
      'broken  this is not JSON, though it begins with {',
      'nested  kafka.topic  expected text, a number, true, false or null',
      'odd  config.name  is another name than the "name" beside "config"',
    ]);
  });

  test('that do not exist are named', async () => {
    await assert.rejects(loadStandalone({ worker: '/nowhere', connectors: [] }, {}), {
      code: 'TG_CONFIG_UNREADABLE',
      message: '/nowhere cannot be read: there is no such file',
    });
  });
});

test("invalid addresses and mechanisms are reported in the worker's file", async (t) => {
  assert.deepEqual(
    await mistakes(
      t,
      `offset.storage.file.filename=/x
bootstrap.servers=a:1,http://b:99999,c
security.protocol=SASL_SSL
sasl.mechanism=toString
sasl.jaas.config=x required username="u" password="p";
rest.host.name=http://gw
rest.advertised.host.name=gw:8083
`,
    ),
    [
      'worker:2:1  bootstrap.servers  "b:99999": the port is a number from 1 to 65535',
      'worker:2:1  bootstrap.servers  "c" has no port; write c:9092',
      'worker:4:1  sasl.mechanism  expected one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, got toString',
      'worker:6:1  rest.host.name  "http://gw" has a scheme in it; write gw',
      'worker:7:1  rest.advertised.host.name  "gw:8083" has more than a host name in it; write gw',
    ],
  );
});

test('an advertised IPv6 address has brackets in the URL', async (t) => {
  const { config } = await load(t, `${WORKER}rest.advertised.host.name=::1\nrest.port=8084\n`);
  assert.equal(config.connect?.advertised, 'http://[::1]:8084');
});
