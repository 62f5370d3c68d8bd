import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeDifference, differenceBetween } from '../../../src/config/index.ts';
import { load, yaml } from './fixture.ts';

/** The plan from one file to another. */
async function planned(from: string, to: string) {
  const [old, next] = await Promise.all([load(from), load(to)]);
  const secrets = [await old.secrets(), await next.secrets()];
  const difference = differenceBetween(old, next, (path) => secrets.some((isSecret) => isSecret(path)));
  return { old, next, difference, text: describeDifference(difference) };
}

const pipelines = (more: string) => `pipelines:
  in: { source: { endpoint: rooms }, sink: { topic: { name: chat } }${more} }
  out: { source: { topic: { names: [chat] } }, sink: { endpoint: rooms } }`;
const endpoints = (more: string, codec = 'envelope') =>
  `endpoints: { rooms: { listener: public, path: /ws, codec: ${codec}${more} } }`;

test('the same file changes nothing, and every part of the new configuration is the object of the old one', async () => {
  const { old, difference, text } = await planned(yaml(), yaml());
  assert.deepEqual([difference.changes, difference.refused, text], [[], [], 'nothing has changed']);
  assert.equal(difference.unchanged, 5);
  for (const section of ['listeners', 'endpoints', 'pipelines'] as const)
    for (const [name, part] of Object.entries(difference.config[section]))
      assert.equal(part, old.config[section][name], `${section}.${name}`);
});

test('a setting that is written in another way, or as its default, is no change', async () => {
  const { difference } = await planned(
    yaml({ pipelines: pipelines(', batch: { period: 5ms }') }),
    yaml({ pipelines: pipelines(', batch: { period: 0.005s, count: 500 }') }),
  );
  assert.deepEqual(difference.changes, []);
});

test('a changed setting of a pipeline replaces that one, and the line says from what to what', async () => {
  const { old, next, difference, text } = await planned(
    yaml({ pipelines: pipelines(', batch: { count: 500 }') }),
    yaml({ pipelines: pipelines(', batch: { count: 100 }, processors: [ { filter: { keep: "${! json.a }" } } ]') }),
  );
  assert.equal(
    text,
    'pipelines.in changed (batch.count 500 -> 100, processors (none) -> [{"filter":{"keep":"${! json.a }"}}]); 4 others unchanged',
  );
  assert.deepEqual(
    difference.changes.map(({ part, action }) => [part, action]),
    [['pipelines.in', 'replaced']],
  );
  assert.equal(difference.config.pipelines.in, next.config.pipelines.in);
  assert.equal(difference.config.pipelines.out, old.config.pipelines.out);
});

test('an expression that changed is a change, and one that did not is none', async () => {
  const keyed = (key: string) =>
    yaml({
      pipelines: `pipelines:
  in: { source: { endpoint: rooms }, sink: { topic: { name: chat, key: "\${! ${key} }" } } }
  out: { source: { topic: { names: [chat] } }, sink: { endpoint: rooms } }`,
    });
  assert.equal((await planned(keyed('json.a'), keyed('json.a'))).text, 'nothing has changed');
  assert.match((await planned(keyed('json.a'), keyed('json.b'))).text, /^pipelines\.in changed \(sink\.topic\.key/);
});

test('limits of an endpoint change in place; another codec or path replaces it, and the pipelines at it', async () => {
  const limits = await planned(
    yaml(),
    yaml({ endpoints: endpoints(', max_connections: 5, slow_consumer: { queue: 2MiB }, limits: { messages: 5/s }') }),
  );
  assert.deepEqual(
    limits.difference.changes.map(({ part, action }) => [part, action]),
    [['endpoints.rooms', 'updated']],
  );
  for (const changed of [endpoints('', 'json'), endpoints(', direction: both').replace('/ws', '/other')]) {
    const { difference, old, text } = await planned(yaml(), yaml({ endpoints: changed }));
    assert.deepEqual(
      difference.changes.map(({ part, action }) => [part, action]),
      [
        ['endpoints.rooms', 'replaced'],
        ['pipelines.in', 'replaced'],
        ['pipelines.out', 'replaced'],
      ],
    );
    assert.match(text, /pipelines\.in replaced, because endpoints\.rooms is replaced/);
    assert.notEqual(difference.config.pipelines.in, old.config.pipelines.in);
    assert.equal(difference.unchanged, 2);
  }
});

test('the limits of a listener change in place, and what belongs to its socket replaces it', async () => {
  const of = (more: string) => yaml({ listeners: `listeners: { public: { port: 9090${more} } }` });
  const action = async (more: string) => (await planned(of(''), of(more))).difference.changes[0]?.action;
  assert.equal(await action(', limits: { connections: 5, per_address: { connections: 2 } }'), 'updated');
  assert.equal(await action(', trusted_proxies: [ 10.0.0.0/8 ]'), 'updated');
  assert.equal(await action(', limits: { headers: { count: 20 } }'), 'replaced');
  assert.equal(await action(', limits: { handshake_timeout: 3s }'), 'replaced');
  assert.equal(await action(', host: 127.0.0.1'), 'replaced');
  const proxied = (more: string) => of(`, proxy_protocol: v2, trusted_proxies: [ ${more} ]`);
  assert.equal((await planned(proxied('10.0.0.1'), proxied('10.0.0.2'))).difference.changes[0]?.action, 'replaced');
});

test('what comes and what goes is named, also topics, which stay in the log', async () => {
  const more = yaml({
    log: 'log: { driver: embedded, topics: { chat: { partitions: 3 }, news: {} } }',
    endpoints:
      'endpoints: { rooms: { listener: public, path: /ws, codec: envelope }, prices: { listener: public, path: /p, codec: json, direction: out } }',
  });
  assert.equal((await planned(yaml(), more)).text, 'endpoints.prices added; log.topics.news added; 5 others unchanged');
  assert.equal(
    (await planned(more, yaml())).text,
    'endpoints.prices removed; log.topics.news is not listed any more (the topic stays); 5 others unchanged',
  );
});

test('what cannot change while the gateway runs is refused, with the settings and the reason', async () => {
  const log = yaml({ log: 'log: { driver: kafkajs, brokers: [ "b:9092" ], topics: { chat: { partitions: 3 } } }' });
  const { difference } = await planned(yaml(), `${log}admin: { port: 1234 }\ntracing: { sample: 0.5 }\n`);
  assert.deepEqual(
    difference.refused.map(({ part, message }) => `${part} ${message}`),
    [
      'log cannot change while the gateway runs (driver embedded -> kafkajs, brokers (none) -> ["b:9092"]): the log is opened at the start; restart it',
      'admin cannot change while the gateway runs (port (none) -> 1234): the admin port is opened at the start; restart it',
      'tracing cannot change while the gateway runs (sample (none) -> 0.5): the exporter of traces is made at the start; restart it',
    ],
  );
});

test('who may call the admin port may change, and when a stop is forced', async () => {
  const { difference, text } = await planned(
    yaml(),
    `${yaml()}admin: { allowed_hosts: [ a.example.org ] }\nshutdown: { jitter: 1s }\n`,
  );
  assert.deepEqual(difference.refused, []);
  assert.match(text, /^shutdown changed \(jitter \(none\) -> 1s\); admin changed \(allowed_hosts/);
});

test('secrets are never in a difference, whether they come, go or change', async () => {
  const secret = 'a secret of at least 32 bytes for tests';
  const auth = (one: string) =>
    `${yaml()}auth: { users: { jwt: { secret: "${one}", algorithms: [ HS256 ] } }, devices: { bearer: { tokens: { ada: "${one.replaceAll(' ', '-')}" } } } }\n`;
  const { difference, text } = await planned(auth(secret), auth(`another ${secret}`));
  assert.equal(
    text,
    'auth.users changed (jwt.secret *** -> ***); auth.devices changed (bearer.tokens.ada *** -> ***); 5 others unchanged',
  );
  const gone = await planned(auth(secret), yaml());
  assert.doesNotMatch(JSON.stringify([difference.changes, gone.difference.changes]), /secret.of.at.least/);
});

test('a file that a processor names is a change when its content is another one', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'order.json');
  const text = yaml({ pipelines: pipelines(`, processors: [ { validate: { file: "${file}" } } ]`) });
  writeFileSync(file, '{ "type": "object" }');
  const old = await load(text);
  assert.deepEqual(differenceBetween(old, await load(text)).changes, []);
  writeFileSync(file, '{ "type": "array" }');
  const difference = differenceBetween(old, await load(text));
  assert.equal(describeDifference(difference), 'pipelines.in changed (a file that it names); 4 others unchanged');
});

test('a pipeline is replaced where another one decides whether its records have positions', async () => {
  const channels = ', channels: { history: {} }, allow: { subscribe: "*" }';
  const send = (topic: string, channel: string) =>
    `{ source: { topic: { names: [${topic}] } }, sink: { endpoint: { name: rooms, channel: "${channel}" } } }`;
  const file = (...more: string[]) =>
    yaml({
      endpoints: endpoints(channels, 'json'),
      pipelines: ['pipelines:', `  in: ${send('chat', 'a.${! key }')}`, ...more].join('\n'),
    });
  const other = `  other: ${send('news', 'a.${! key }')}`;
  for (const [from, to, because] of [
    [file(), file(other), 'its records have no positions in channels any more'],
    [file(other), file(), 'its records have positions in channels now'],
    [file(), file(`  other: ${send('news', 'b.${! key }')}`), undefined],
  ] as const) {
    const { old, difference } = await planned(from, to);
    const change = difference.changes.find(({ part }) => part === 'pipelines.in');
    assert.deepEqual([change?.action, change?.because], [because && 'replaced', because]);
    assert.equal(difference.config.pipelines.in === old.config.pipelines.in, because === undefined);
  }
});
