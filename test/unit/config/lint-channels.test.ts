import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelHistoryOf, memoryCeiling } from '../../../src/config/index.ts';
import { channels } from '../../../src/config/schema/channels-schema.ts';
import { load, problemsOf, yaml } from './fixture.ts';

const JWT = 'jwt: { secret: "a secret of the test, 32 bytes or more", algorithms: [ HS256 ] }';

/** What lint says of an endpoint `rooms` with these settings, whose sink is `sink`. */
async function found(
  settings: string,
  sink = '{ name: rooms, channel: x }',
  codec = 'json',
  key = '',
): Promise<string[]> {
  const text = yaml({
    auth: `auth: { users: { ${JWT} } }`,
    endpoints: `endpoints:\n  rooms: { listener: public, path: "/ws/{symbol}", codec: ${codec}, ${settings} }`,
    pipelines: [
      'pipelines:',
      `  in: { source: { endpoint: rooms }, sink: { topic: { name: chat${key && `, key: "${key}"`} } } }`,
      `  out: { source: { topic: { names: [chat] } }, sink: { endpoint: ${sink} } }`,
    ].join('\n'),
  });
  const problems = await problemsOf(text);
  const all =
    problems.length > 0 ? problems : (await load(text)).warnings.filter(({ severity }) => severity === 'warning');
  return all.map(({ path, message }) => `${path}: ${message}`).filter((line) => !line.includes('auth.users'));
}

async function says(pattern: RegExp, ...of: Parameters<typeof found>): Promise<void> {
  const all = await found(...of);
  assert.equal(all.length, 1, all.join('\n'));
  assert.match(all[0] ?? '', pattern);
}

test('channels with a sink, joins and permissions have nothing wrong with them', async () => {
  assert.deepEqual(await found('channels: {}, allow: { subscribe: "symbol.*" }'), []);
  const join = '"user.${! auth.sub }", "s.${! meta.symbol }", "q.${! meta.query.q }"';
  assert.deepEqual(await found(`channels: { join: [ ${join} ] }, auth: users`), []);
  assert.deepEqual(await found('channels: { join: news }', '{ name: rooms, channel: [ a, "${! key }" ] }', 'raw'), []);
});

test('a sink with a channel and an endpoint without channels do not go together', async () => {
  await says(
    /pipelines\.out\.sink\.endpoint\.channel: no client of endpoints\.rooms can be in a channel/,
    'limits: {}',
  );
  await says(/endpoints\.rooms\.channels: no pipeline sends records to channels/, 'channels: {}', 'rooms');
  await says(/endpoints\.rooms\.replay: records of channels are not replayed/, 'channels: {}, replay: { last: 1 }');
});

test('a page is for a codec that has one, and that of json for an endpoint with channels', async () => {
  assert.deepEqual(await found('channels: { join: x }, web_client: /page/'), []);
  await says(
    /endpoints\.rooms\.web_client: the page for the codec "json" shows channels, and this endpoint has none/,
    'web_client: /page/',
    'rooms',
  );
  await says(/web_client: there is no page for the codec "raw"/, 'channels: {}, web_client: /page/', undefined, 'raw');
});

test('what a codec cannot do is said', async () => {
  await says(
    /"raw" have no frame to subscribe by; use channels\.join/,
    'channels: {}, allow: { subscribe: x }',
    undefined,
    'raw',
  );
  await says(
    /"rooms" are in a room and can be in no channel/,
    'presence: { topic: chat }, channels: {}',
    undefined,
    'rooms',
  );
  await says(/allow\.subscribe: this endpoint has no channels; add channels: \{\}/, 'allow: { subscribe: x }', 'rooms');
});

test('a join needs the auth and the parameters that it reads, and is no pattern', async () => {
  await says(
    /channels\.join\[0\]: .* reads auth, and this endpoint has none/,
    'channels: { join: "u.${! auth.sub }" }',
  );
  await says(
    /channels\.join\[0\]: a client that connects has no meta\.symbl; did you mean "symbol"/,
    'channels: { join: "s.${! meta.symbl }" }',
  );
  await says(
    /channels\.join\[0\]: a client that connects has no meta\.headers\.tenant; list that header in meta_headers/,
    'channels: { join: "s.${! meta.headers.tenant }" }',
  );
  const listed = 'channels: { join: "s.${! meta.headers.tenant }" }, meta_headers: [ Tenant ]';
  assert.deepEqual(await found(listed), []);
  await says(/reads json, which only messages have/, 'channels: { join: "s.${! json.a }" }');
  await says(
    /"symbol\.\*" has a \*, but a connection joins channels by their full names/,
    'channels: { join: "symbol.*" }',
  );
  await says(
    /"s\.\{ meta\.symbol \}" has \{ meta\.symbol \} as it is written for each client; for a value write \$\{! meta\.symbol \}/,
    'channels: { join: "s.{ meta.symbol }" }',
  );
  await says(/channels that begin with client\. are each of one connection/, 'channels: { join: "client.7" }');
  await says(
    /2 channels are more than max_per_connection \(1\)/,
    'channels: { join: [ a, b ], max_per_connection: 1 }',
  );
});

test('a history has room for what new subscribers get, and is in the ceiling once for each form of frame', async () => {
  const history = 'history: { last: 2, initial: 3 }';
  await says(/channels\.history\.initial: only 2 records of a channel are kept/, `channels: { ${history} }`);
  const ceilingOf = async (settings: string) => {
    const text = yaml({
      endpoints: `endpoints:\n  rooms: { listener: public, path: /ws, codec: json, ${settings} }`,
      pipelines: [
        'pipelines:',
        '  in: { source: { endpoint: rooms }, sink: { topic: { name: chat } } }',
        '  out: { source: { topic: { names: [chat] } }, sink: { endpoint: { name: rooms, channel: x } } }',
      ].join('\n'),
    });
    return memoryCeiling((await load(text)).config).history / 1_048_576;
  };
  assert.equal(await ceilingOf('channels: {}'), 0);
  assert.equal(await ceilingOf('channels: { history: { bytes: 5MiB } }'), 5);
  assert.equal(await ceilingOf('channels: { recover: {}, join: x }, sse: true'), 32);
});

test('new subscribers get the current value where one record is kept, and else nothing', async () => {
  const initialOf = (given: object) => channelHistoryOf(channels.parse(given))?.initial;
  assert.equal(initialOf({ history: { last: 1 } }), 1);
  assert.equal(initialOf({ history: { last: 1, initial: 0 } }), 0);
  assert.equal(initialOf({ history: {} }), 0);
  assert.equal(initialOf({ recover: {} }), 0);
  assert.equal(channelHistoryOf(channels.parse({})), undefined);
});

test('allow.publish needs channels, a codec with frames for it, and clients that may send', async () => {
  const allowed = 'allow: { publish: [ "x.*", "u.${! auth.sub }" ] }';
  assert.deepEqual(await found(`channels: { join: x }, ${allowed}, auth: users`), []);
  await says(/allow\.publish: this endpoint has no channels/, 'allow: { publish: x }', 'rooms');
  const keyed = (settings: string) => found(settings, '{ name: rooms, channel: x }', 'json', '${! meta.channel }');
  assert.deepEqual(await keyed('channels: { join: x }, allow: { publish: x }'), []);
  assert.match((await keyed('channels: {}, allow: { subscribe: x }')).join(), /never has meta\.channel/);
  await says(/"raw" have no frame to publish by/, 'channels: {}, allow: { publish: x }', undefined, 'raw');
  const all = await found('channels: {}, allow: { publish: x }, direction: out');
  assert.equal(all.filter((line) => /allow\.publish: clients only receive here/.test(line)).length, 1, all.join());
  await says(/allow\.publish\[0\]: .* reads auth/, 'channels: {}, allow: { publish: "u.${! auth.sub }" }');
});

test('channels.presence needs a codec with frames for it', async () => {
  await says(
    /"json" have no frame to ask which clients are in a channel by/,
    'channels: { presence: { topic: chat } }',
  );
});

test('clients of centrifuge miss no record on purpose, and receive no server-sent events', async () => {
  const settings = 'channels: {}, allow: { subscribe: "a.*", publish: "a.*" }';
  assert.deepEqual(await found(settings, undefined, 'centrifuge'), []);
  assert.deepEqual(await found(settings, undefined, 'centrifuge', '${! meta.method }'), []);
  const latest = `${settings}, slow_consumer: { when_full: latest }`;
  await says(/when_full: .*connect again for each record/, latest, undefined, 'centrifuge');
  await says(/rooms\.sse: .*have to send something/, `${settings}, sse: true`, undefined, 'centrifuge');
});

test('a sink gives names that channels can have, and a mistake in an expression of them is named', async () => {
  const sink = (channel: string) => found('channels: { join: x }', `{ name: rooms, channel: ${channel} }`);
  assert.match((await sink('""')).join(), /channel: the name of a channel has 1 to 255 printable characters$/);
  assert.match((await sink(`[ a, ${'x'.repeat(256)} ]`)).join(), /channel: the name of a channel has 1 to 255/);
  assert.match(
    (await sink('"symbol.*.${! key }"')).join(),
    /has a \*, but a record goes to channels by their full names/,
  );
  assert.match((await sink('"symbol.${! kye }"')).join(), /begins with kye/);
  assert.match(
    (await sink('"symbol.{key}"')).join(),
    /"symbol\.\{key\}" has \{key\} as it is written for each record; for a value write \$\{! key \}/,
  );
  assert.match((await sink('5')).join(), /expected the name of a channel such as/);
});

test('a channel of a sink that no client can come into is said', async () => {
  const sink = (channel: string, settings = 'channels: {}') => found(settings, `{ name: rooms, channel: ${channel} }`);
  const wrong = await sink('[ "client.${! headers.c }", "symbol.${! key }" ]');
  assert.match(
    wrong.join(),
    /channel: no client can be in "symbol\.\$\{! key \}": clients of endpoints\.rooms are only/,
  );
  assert.equal(wrong.length, 1);
  for (const channel of ['"client.${! headers.c }"', '"${! json.channel }"'])
    assert.deepEqual(await sink(channel), [], channel);
  assert.deepEqual(await sink('x', 'channels: {}, allow: { subscribe: x }'), []);
});

test('clients of server-sent events are in channels of join, as they cannot ask for others', async () => {
  const asked = 'channels: {}, allow: { subscribe: x }, sse: true';
  await says(/endpoints\.rooms\.sse: clients of server-sent events cannot ask for channels/, asked);
  assert.deepEqual(await found('channels: { join: x }, sse: true'), []);
  assert.deepEqual(await found('channels: {}, allow: { subscribe: x }'), []);
});

test('allow cannot list the channels of connections', async () => {
  for (const action of ['subscribe', 'publish'])
    await says(
      new RegExp(`allow\\.${action}: "client\\.\\*" allows nothing`),
      `channels: { join: x }, allow: { ${action}: [ "client.*", a ] }`,
    );
});

test('times of a history and of recovery are more than 0', async () => {
  for (const settings of ['history: { age: 0s }', 'recover: { age: 0s }', 'recover: { timeout: 0s }'])
    await says(/: expected more than 0s$/, `channels: { join: x, ${settings} }`);
});

test('where no pipeline reads an endpoint with channels, lint asks for direction: out', async () => {
  const text = yaml({
    endpoints:
      'endpoints:\n  rooms: { listener: public, path: /ws, codec: json, channels: {}, allow: { subscribe: "s.*" } }',
    pipelines:
      'pipelines:\n  out: { source: { topic: { names: [chat] } }, sink: { endpoint: { name: rooms, channel: "s.${! key }" } } }',
  });
  const [warning] = (await load(text)).warnings.filter(({ severity }) => severity === 'warning');
  assert.match(warning?.message ?? '', /no pipeline reads .*; if they only receive, say direction: out$/);
});
