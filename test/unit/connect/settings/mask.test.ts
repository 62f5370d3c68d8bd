import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FlatConfig, hiddenLeft, masked, unmasked } from '../../../../src/connect/settings/index.ts';
import { BINANCE } from './fixture.ts';

const SECRETS: FlatConfig = {
  ...BINANCE,
  'websocket.url': 'wss://user:pass@h:9443/v1/0123456789abcdef0123?token=t-1&streams=a/b',
  'websocket.auth.token': 'geheim',
  'websocket.headers': 'User-Agent:K/1.0,X-Api-Key:a:b\\,c,X-Own:mine',
  'websocket.headers.secret': 'x-own',
  'websocket.subscription.message': '{"op":"login","args":[{"apiKey":"k-1","sign":"s-1"}],"id":1}',
  'producer.override.sasl.jaas.config': 'password="x";',
};

test('secrets are hidden, and the rest is readable', () => {
  assert.deepEqual(masked(SECRETS), {
    ...SECRETS,
    'websocket.url': 'wss://[hidden]@h:9443/v1/[hidden]?token=[hidden]&streams=a/b',
    'websocket.auth.token': '[hidden]',
    'websocket.headers': 'User-Agent:K/1.0,X-Api-Key:[hidden],X-Own:[hidden]',
    'websocket.subscription.message': '{"op":"login","args":[{"apiKey":"[hidden]","sign":"[hidden]"}],"id":1}',
    'producer.override.sasl.jaas.config': '[hidden]',
  });
});

test('expressions, empty texts and settings without a secret do not change', () => {
  const config = { ...BINANCE, 'websocket.auth.token': '', 'websocket.ack.message': '{"token":"${! meta.token }"}' };
  assert.deepEqual(masked(config), config);
  const url = { ...BINANCE, 'websocket.url': 'wss://h/ws?token=${! meta.token }&key=${! meta.cursor }' };
  assert.deepEqual(masked(url), url);
});

test('writing back what was shown changes nothing', () => {
  assert.deepEqual(unmasked(masked(SECRETS), SECRETS), SECRETS);
});

test('changing one part of a setting keeps its secrets', () => {
  const shown = masked(SECRETS);
  const changed = unmasked(
    {
      ...shown,
      'websocket.url': 'wss://[hidden]@other/v1/[hidden]?streams=c&token=[hidden]',
      'websocket.headers': 'X-Own:[hidden],X-New:1',
      'websocket.subscription.message': '{"id":2,"args":[{"sign":"s-2","apiKey":"[hidden]"}]}',
      'websocket.auth.token': 'new',
    },
    SECRETS,
  );
  assert.deepEqual(changed, {
    ...SECRETS,
    'websocket.url': 'wss://user:pass@other/v1/0123456789abcdef0123?streams=c&token=t-1',
    'websocket.headers': 'X-Own:mine,X-New:1',
    'websocket.subscription.message': '{"id":2,"args":[{"sign":"s-2","apiKey":"k-1"}]}',
    'websocket.auth.token': 'new',
  });
  assert.deepEqual(hiddenLeft(changed), []);
});

test('a mask without a stored value is reported', () => {
  const config = unmasked({ ...masked(SECRETS), 'websocket.headers': 'X-Other:[hidden]' }, SECRETS);
  assert.deepEqual(hiddenLeft(config), ['websocket.headers']);
  assert.deepEqual(hiddenLeft(masked(SECRETS)).sort(), [
    'producer.override.sasl.jaas.config',
    'websocket.auth.token',
    'websocket.headers',
    'websocket.subscription.message',
    'websocket.url',
  ]);
});

test('headers in JSON are hidden by their names, too', () => {
  const config = { ...BINANCE, 'websocket.headers': '{"Authorization":"Basic eA==","Accept":"x"}' };
  assert.equal(masked(config)['websocket.headers'], '{"Authorization":"[hidden]","Accept":"x"}');
  assert.deepEqual(unmasked(masked(config), config), config);
});

test('no secret is ever shown, and every one comes back', () => {
  const secret = fc.stringMatching(/^[a-z]{6,12}$/).map((text) => `S3-${text}-S3`);
  const word = fc.stringMatching(/^[A-Za-z]{1,8}$/);
  const configs = fc
    .record({
      token: secret,
      key: secret,
      password: secret,
      apiKey: secret,
      names: fc.uniqueArray(word, { maxLength: 3 }),
    })
    .map(({ token, key, password, apiKey, names }): [FlatConfig, string[]] => [
      {
        'connector.class': 'WebSocketSource',
        'websocket.auth.token': token,
        'websocket.headers': [...names.map((name, index) => `N${index}${name}:v`), `X-Api-Key:${key}`].join(','),
        'websocket.urls': `wss://h/?a=1&access_token=${token},ws://u:${password}@i`,
        'websocket.subscriptions': JSON.stringify([...names, { login: { apiKey, names } }, [apiKey.length]]),
        'some.password': password,
      },
      [token, key, password, apiKey],
    ]);
  fc.assert(
    fc.property(configs, ([config, secrets]) => {
      const shown = JSON.stringify(masked(config));
      for (const one of secrets) assert.ok(!shown.includes(one), shown);
      assert.deepEqual(unmasked(masked(config), config), config);
    }),
  );
});

test('a setting may have a name that every object inherits', () => {
  const config = { ...BINANCE, toString: 'http://[hidden]@h' };
  assert.deepEqual(unmasked(config, BINANCE), config);
});
