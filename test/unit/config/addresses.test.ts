import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatProblem } from '../../../src/config/index.ts';
import { load, problemsOf, yaml } from './fixture.ts';

const kafka = (brokers: string, more = '') => `log: { driver: kafkajs, brokers: ${brokers}${more} }`;
const SASL = ', sasl: { mechanism: plain, username: u, password: p }';

async function lineOf(text: string): Promise<string> {
  const lines = (await problemsOf(text)).map(formatProblem);
  assert.equal(lines.length, 1, lines.join('\n') || `no mistake in ${text}`);
  return lines[0] ?? '';
}

test('keys of connectors with empty parts alone are a mistake, as secrets would be kept in the clear', async () => {
  for (const text of [',', ' , ,', ' '])
    assert.match(
      await lineOf(yaml({ connect: `connect: { secret_key: "${text}" }` })),
      /connect\.secret_key\S* {2}expected 32 bytes as base64 or hex/,
      text,
    );
  assert.deepEqual(await problemsOf(yaml({ connect: 'connect: { secret_key: "" }' })), []);
});

describe('brokers', () => {
  const cases: [text: string, expected: string][] = [
    ['[ a:9092, b ]', '1:44  log.brokers[1]  "b" has no port; write b:9092'],
    ['[ "[::1]" ]', '1:36  log.brokers[0]  "[::1]" has no port; write [::1]:9092'],
    ['[ a:99999 ]', '1:36  log.brokers[0]  "a:99999": the port is a number from 1 to 65535'],
    ['[ a:0 ]', '1:36  log.brokers[0]  "a:0": the port is a number from 1 to 65535'],
    ['[ a:9092, "" ]', '1:44  log.brokers[1]  is empty; write host:port, such as kafka:9092'],
    ['[ a:x ]', '1:36  log.brokers[0]  "a:x" is not a broker address; write host:port, such as kafka:9092'],
    ['[ "a b:1" ]', '1:36  log.brokers[0]  "a b:1" is not a broker address; write host:port, such as kafka:9092'],
    ['[ "a:1/x" ]', '1:36  log.brokers[0]  "a:1/x" is not a broker address; write host:port, such as kafka:9092'],
    ['[ "::1:9092" ]', '1:36  log.brokers[0]  "::1:9092" is an IPv6 address without brackets; write [::1]:9092'],
    [
      '[ "[kafka]:1" ]',
      '1:36  log.brokers[0]  "[kafka]:1" is not a broker address; write host:port, such as kafka:9092',
    ],
    [
      '[ "http://a:1" ]',
      '1:36  log.brokers[0]  "http://a:1" begins with http://, which is none of PLAINTEXT://, SSL://, SASL_PLAINTEXT://, SASL_SSL://; write a:1',
    ],
    [
      '[ "u:secret@a:1" ]',
      '1:36  log.brokers[0]  has a user name in it; write host:port, such as kafka:9092, and the user under log.sasl',
    ],
    [
      '[ "a:1,b:2" ]',
      '1:36  log.brokers[0]  has several brokers in it; write an entry for each, or one text with all in place of the list',
    ],
    ['"a:1, b"', '1:34  log.brokers[1]  "b" has no port; write b:9092'],
    ['SSL://a:1', '1:34  log.brokers[0]  SSL:// asks for TLS, which is off; set log.ssl, or write a:1'],
  ];
  for (const [brokers, expected] of cases) {
    test(`${brokers} is a mistake at its place`, async () => {
      assert.equal(await lineOf(yaml({ log: kafka(brokers) })), `test.yaml:${expected}`);
    });
  }

  test('a protocol has to fit the settings of the link', async () => {
    const fits = [
      kafka('[ "PLAINTEXT://h:9092", "plaintext://[::1]:1", "10.0.0.1:9092", "a_b-c.d:1", "[fe80::1%eth0]:2" ]'),
      kafka('[ "SSL://h:9092" ]', ', ssl: true'),
      kafka('[ "SASL_SSL://h:9092" ]', `, ssl: {}${SASL}`),
      kafka('[ "SASL_PLAINTEXT://h:9092" ]', SASL),
      kafka('"PLAINTEXT://a:1,, b:2,"'),
    ];
    for (const log of fits) assert.deepEqual(await problemsOf(yaml({ log })), [], log);
    const unfit: [string, RegExp][] = [
      [
        kafka('[ "PLAINTEXT://h:1" ]', ', ssl: true'),
        /PLAINTEXT:\/\/ is without TLS, which log\.ssl switches on; write h:1$/,
      ],
      [
        kafka('[ "SSL://h:1" ]', `, ssl: true${SASL}`),
        /SSL:\/\/ is without SASL, which log\.sasl switches on; write h:1$/,
      ],
      [
        kafka('[ "SASL_SSL://h:1" ]', ', ssl: true'),
        /SASL_SSL:\/\/ asks for SASL, which is off; set log\.sasl, or write h:1$/,
      ],
      [kafka('[ "SASL_SSL://h:1" ]', SASL), /SASL_SSL:\/\/ asks for TLS, which is off; set log\.ssl, or write h:1$/],
    ];
    for (const [log, expected] of unfit) assert.match(await lineOf(yaml({ log })), expected);
  });

  test('are checked in the options of S2, too', async () => {
    const s2 = (kafkaHost: string) =>
      yaml({
        log: 'log: { driver: auto }',
        endpoints: `endpoints: { e: { listener: public, path: /, codec: topics, s2: { kafka_config: { kafkaHost: "${kafkaHost}" } } } }`,
        pipelines: '',
      });
    assert.match(
      await lineOf(s2('a')),
      /endpoints\.e\.s2\.kafka_config\.kafkaHost\[0\] {2}"a" has no port; write a:9092$/,
    );
    assert.match(await lineOf(s2('SSL://a:1')), /s2\.kafka_config\.kafkaHost\[0\] {2}SSL:\/\/ asks for TLS/);
  });
});

describe('URLs and hosts of other settings', () => {
  const cases: [text: string, expected: string][] = [
    [
      'tracing: { endpoint: "localhost:14268" }',
      'tracing.endpoint  "localhost:14268" does not begin with http:// or https://; write http://localhost:14268',
    ],
    [
      'tracing: { endpoint: jaeger }',
      'tracing.endpoint  "jaeger" does not begin with http:// or https://; write http://jaeger',
    ],
    [
      'tracing: { endpoint: "grpc://j:4317" }',
      'tracing.endpoint  "grpc://j:4317" begins with grpc://, which is not spoken here; write a URL such as http://localhost:14268/api/traces',
    ],
    [
      'tracing: { endpoint: "http://j:99999/x" }',
      'tracing.endpoint  "http://j:99999/x": the port is a number from 1 to 65535',
    ],
    [
      'tracing: { endpoint: "http://" }',
      'tracing.endpoint  "http://" is not a URL; write one such as http://localhost:14268/api/traces',
    ],
    [
      'tracing: { endpoint: "me:secret@j:1" }',
      'tracing.endpoint  this does not begin with http:// or https://; write http://localhost:14268/api/traces',
    ],
    ['admin: { host: "http://localhost" }', 'admin.host  "http://localhost" has a scheme in it; write localhost'],
    [
      'admin: { host: "localhost:8080" }',
      'admin.host  "localhost:8080" has more than a host name in it; write localhost',
    ],
    ['admin: { host: "[::1]" }', 'admin.host  "[::1]" has brackets in it; write ::1'],
    ['admin: { host: "*" }', 'admin.host  is not an address; write 0.0.0.0 for all of them, or leave it out'],
    [
      'listeners: { a: { port: 1, host: "my host" } }',
      'listeners.a.host  "my host" is not a host name or an IP address',
    ],
    [
      'connect: { host: "localhost:8083" }',
      'connect.host  "localhost:8083" has more than a host name in it; write localhost',
    ],
    [
      'connect: { advertised: "gw:8083" }',
      'connect.advertised  "gw:8083" does not begin with http:// or https://; write http://gw:8083',
    ],
    [
      'connect: { advertised: "http://gw:8083/?a" }',
      'connect.advertised  expected scheme, host and port, such as http://gateway-1:8083',
    ],
    [
      'log: { driver: embedded, ssl: { servername: "https://kafka" } }',
      'log.ssl.servername  "https://kafka" has a scheme in it; write kafka',
    ],
  ];
  for (const [text, expected] of cases) {
    test(text, async () => {
      const line = await lineOf(`${text}\n`);
      assert.equal(line.slice(line.indexOf('  ') + 2), expected);
      assert.match(line, /^test\.yaml:1:\d+ /);
    });
  }

  test('that are right are taken', async () => {
    const text = [
      'log: { driver: embedded }',
      'tracing: { exporter: otlp, endpoint: "https://user:pass@[::1]:4318/v1/traces?x=1" }',
      'admin: { host: "::1", port: 1 }',
      'listeners: { a: { port: 2, host: "" }, b: { port: 3, host: my-host.example }, c: { port: 4, host: 10.0.0.1 } }',
      'connect: { advertised: "http://gw-1:8083", host: "" }',
    ].join('\n');
    assert.deepEqual(await problemsOf(text), []);
    assert.equal(
      (await load('tracing: { endpoint: "${NONE:}" }\nlog: { driver: embedded }')).config.tracing.endpoint,
      '',
    );
  });
});

describe('origins', () => {
  const endpoint = (origins: string) =>
    yaml({ endpoints: `endpoints:\n  rooms: { listener: public, path: /ws, codec: envelope, origins: ${origins} }` });

  const cases: [entry: string, expected: string][] = [
    ['https://example.org/', 'matches no page; write https://example.org'],
    ['https://Example.org:443/chat?x#y', 'matches no page; write https://example.org'],
    ['example.org', 'matches no page; write https://example.org'],
    ['*.example.org', 'matches no page; write https://*.example.org'],
    ['localhost:3000', 'matches no page; write http://localhost:3000'],
    ['wss://example.org:8443', 'matches no page; write https://example.org:8443'],
    ['https://me@example.org', 'matches no page; write https://example.org'],
    ['https://example.org:', 'matches no page; write https://example.org'],
    ['https://example.org:99999', 'matches no page; write scheme://host[:port], such as https://example.org'],
    ['https://', 'matches no page; write scheme://host[:port], such as https://example.org'],
    ['https://exa mple.org', 'matches no page; write scheme://host[:port], such as https://example.org'],
  ];
  for (const [entry, expected] of cases) {
    test(`${entry} is a mistake at its place`, async () => {
      assert.equal(
        await lineOf(endpoint(`[ "https://a.org", "${entry}" ]`)),
        `test.yaml:4:86  endpoints.rooms.origins[1]  "${entry}" ${expected}`,
      );
    });
  }

  test('a * that would let in sites of anyone is refused', async () => {
    for (const entry of [
      'https://example.*',
      'https://*.*',
      'https://**.a.org',
      '*://a.org',
      'https://a.org:*',
      'app://*',
    ])
      assert.match(
        await lineOf(endpoint(`[ "${entry}" ]`)),
        /origins\[0\] .* write https:\/\/\*\.example\.org for all below example\.org$/,
      );
  });

  test('that pages have are taken', async () => {
    const all =
      '[ "*", "null", "https://*.example.org", "HTTPS://Example.ORG:443", "http://[::1]:80", "file://", "chrome-extension://abc", "https://*" ]';
    assert.deepEqual(await problemsOf(endpoint(all)), []);
  });
});
