import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  displayUrl,
  isKeyLike,
  isOpenUrl,
  isSecretName,
  isSecretParameter,
  secretsOfHeader,
  secretsOfJson,
  secretsOfUrl,
  withoutSecrets,
} from '../../../src/core/secrets.ts';

const KEY = 'abcdefghij0123456789';

test('a key has twenty characters or more, with letters and digits', () => {
  assert.deepEqual([KEY, KEY.slice(1), 'a'.repeat(25), '1'.repeat(25), `${KEY}-_`, `${KEY} x`].map(isKeyLike), [
    true,
    false,
    false,
    false,
    true,
    false,
  ]);
});

test('names say that values are secrets, in a URL also those that end in key', () => {
  for (const name of ['password', 'X-Api-Key', 'access_token', 'Cookie', 'authorization', 'apikey'])
    assert.ok(isSecretName(name) && isSecretParameter(name), name);
  for (const name of ['key', 'streamkey', 'pin', 'pw', 'pwd', 'sig']) {
    assert.ok(!isSecretName(name), name);
    assert.ok(isSecretParameter(name), name);
  }
  for (const name of ['symbol', 'keys', 'pinned', 'opinion']) assert.ok(!isSecretParameter(name), name);
});

test('a URL is shown without user, password, query and keys in its path', () => {
  assert.equal(displayUrl('wss://me:pass@a.example:81/x?token=1#y'), 'wss://a.example:81/x?…');
  assert.equal(displayUrl('wss://a.example/'), 'wss://a.example');
  assert.equal(displayUrl('wss://a.example/?q=1'), 'wss://a.example/?…');
  assert.equal(displayUrl(`wss://a.example/v1/${KEY}/ticks`), 'wss://a.example/v1/***/ticks');
  assert.equal(displayUrl('no url'), '***');
});

test('a text without @, query and key may be shown as it is', () => {
  assert.deepEqual(['feed.example/x', 'me@feed', 'feed?x', `feed/${KEY}`].map(isOpenUrl), [true, false, false, false]);
});

test('the secrets of a URL are what it is shown without, as written and decoded', () => {
  const found = secretsOfUrl(
    `wss://me:p%20w@a.example/${KEY}?token=a%20b&format=full&long=12345678&short=1234567&plus=a+b+c+d+e`,
  );
  const pair = Buffer.from('me:p w').toString('base64');
  assert.deepEqual(found, [
    ...['me', 'p%20w', 'me', 'p w', pair, KEY],
    ...['a%20b', 'a b', '12345678', '12345678', 'a+b+c+d+e', 'a b c d e'],
  ]);
  assert.deepEqual(secretsOfUrl('no url'), []);
});

test('a value with an equals sign is kept whole, and one that cannot be decoded as it is', () => {
  assert.ok(secretsOfUrl('wss://a/?token=ab=cd').includes('ab=cd'));
  assert.ok(secretsOfUrl('wss://a/?token=%zz%zz').includes('%zz%zz'));
});

test('the secrets of a message are by name or by look, and text only', () => {
  const json = JSON.stringify({ token: 'short', n: { password: 'deep' }, other: KEY, plain: 'word', secret: 5 });
  assert.deepEqual(secretsOfJson(json), ['short', 'deep', KEY]);
  assert.deepEqual(secretsOfJson('{"token":'), []);
});

test('the secrets of a message that was cut, or is not quite JSON, are found as far as they go', () => {
  assert.deepEqual(secretsOfJson(`{"x":[{"token" : "short"},{"a":"${KEY}"},{"password":"en`).slice(0, 6), [
    'short',
    'short',
    KEY,
    KEY,
    'en',
    'en',
  ]);
  assert.deepEqual(secretsOfJson('{"plain":"word","token":"a\\/b"} and more'), ['a\\/b', 'a/b']);
});

test('the secrets of a header are its value, the words in it, and user and password', () => {
  assert.deepEqual(secretsOfHeader('Bearer my-long-token'), [
    'Bearer my-long-token',
    'my-long-token',
    'my-long-token',
    '',
    '',
  ]);
  assert.ok(secretsOfHeader('sid=my-long-token; a=b').includes('my-long-token'));
  const basic = secretsOfHeader(`Basic ${Buffer.from('user:pass:word').toString('base64')}`);
  assert.deepEqual(basic.slice(-2), ['user', 'pass:word']);
});

test('secrets are blotted out as JSON escapes them, also twice; other texts keep their escapes', () => {
  const secrets = ['pa"ss/wo&rd', 'ütf-8'];
  for (const [text, shown] of [
    ['{"e":"bad pa\\"ss\\/wo\\u0026rd"}', '{"e":"bad ***"}'],
    ['{"e":"bad \\u00FCtf-8"}', '{"e":"bad ***"}'],
    [JSON.stringify({ e: JSON.stringify({ e: 'pa"ss/wo&rd' }) }), '{"e":"{"e":"***"}"}'],
    ['{"e":"C:\\\\new \\"x\\""}', '{"e":"C:\\\\new \\"x\\""}'],
    ['ends with \\', 'ends with \\'],
  ] as const)
    assert.equal(withoutSecrets(text, secrets), shown);
});

test('secrets are blotted out, longer ones first, and those of three characters not at all', () => {
  assert.equal(
    withoutSecrets('abcd and abcdefgh and abc', ['abcd', 'abcdefgh', 'abc', undefined]),
    '*** and *** and abc',
  );
  assert.equal(withoutSecrets('nothing', []), 'nothing');
});
