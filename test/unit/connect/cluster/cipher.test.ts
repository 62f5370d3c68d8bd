import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Cipher, type Sealed } from '../../../../src/connect/cluster/cipher.ts';
import { secretKeyOf } from '../../../../src/core/secret-key.ts';

const [one, two] = [randomBytes(32), randomBytes(32)];

test('a text is decrypted with its key, anywhere in the list, and with no other key', () => {
  const sealed = new Cipher([one]).seal('geheim', 'a') as Sealed;
  assert.doesNotMatch(JSON.stringify(sealed), /geheim/);
  for (const keys of [[one], [one, two], [two, one]]) assert.equal(new Cipher(keys).open(sealed, 'a'), 'geheim');
  for (const keys of [[two], []]) assert.equal(new Cipher(keys).open(sealed, 'a'), undefined);
  assert.match(
    new Cipher([two]).whyNot(sealed),
    /^is encrypted with the key [0-9a-f]{8}, and .* has only the keys [0-9a-f]{8}; set/,
  );
  assert.match(new Cipher().whyNot(sealed), /connect\.secret_key of this gateway has no key; set/);
});

test('the first key encrypts, and what another key has encrypted has to be written again', () => {
  const old = new Cipher([one]).seal('geheim', 'a');
  const rotated = new Cipher([two, one]);
  assert.deepEqual([rotated.isCurrent(old), rotated.isCurrent('geheim')], [false, false]);
  const now = rotated.seal('geheim', 'a');
  assert.equal(rotated.isCurrent(now), true);
  assert.equal(new Cipher([two]).open(now, 'a'), 'geheim', 'the old key is not needed any more');
});

test('a text is encrypted differently each time, and cannot be moved to another place', () => {
  const cipher = new Cipher([one]);
  const [first, second] = [cipher.seal('geheim', 'a') as Sealed, cipher.seal('geheim', 'a') as Sealed];
  assert.notEqual(first.encrypted, second.encrypted);
  assert.equal(cipher.open(first, 'b'), undefined);
  assert.match(cipher.whyNot(first), /was encrypted for another place or is damaged/);
});

test('an encrypted text with any change is not decrypted', () => {
  const cipher = new Cipher([one]);
  const [id, data = ''] = (cipher.seal('geheim', 'a') as Sealed).encrypted.split(':');
  const bytes = Buffer.from(data, 'base64');
  for (let index = 0; index < bytes.length; index++) {
    const changed = Buffer.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ 1;
    assert.equal(cipher.open({ encrypted: `${id}:${changed.toString('base64')}` }, 'a'), undefined);
  }
  for (const encrypted of [
    '',
    ':',
    `${id}`,
    `${id}:`,
    `${id}:AAAA`,
    'x:AAAA',
    `${id}:${bytes.subarray(0, 27).toString('base64')}`,
  ])
    assert.equal(cipher.open({ encrypted }, 'a'), undefined, encrypted);
});

test('texts stay in the clear without a key, and such texts are read with one', () => {
  assert.equal(new Cipher().seal('geheim', 'a'), 'geheim');
  assert.equal(new Cipher().isCurrent('geheim'), true);
  assert.equal(new Cipher([one]).open('geheim', 'a'), 'geheim');
});

test('a key is 32 bytes as base64 or hex', () => {
  for (const text of [
    one.toString('base64'),
    one.toString('base64').replace('=', ''),
    one.toString('hex').toUpperCase(),
  ])
    assert.deepEqual(secretKeyOf(text), one, text);
  for (const text of [
    '',
    'geheim',
    randomBytes(16).toString('base64'),
    randomBytes(33).toString('base64'),
    'g'.repeat(64),
  ])
    assert.equal(secretKeyOf(text), undefined, text);
});
