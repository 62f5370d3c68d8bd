// Slow: it hashes passwords.

import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PeerCertificate } from 'node:tls';
import { identityOfCertificate } from '../../../src/auth/certificate.ts';
import { Passwords } from '../../../src/auth/passwords.ts';
import { isPassword, makeHash, readHash } from '../../../src/auth/scrypt-hash.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { until } from '../../helpers/gateway-process.ts';
import { HandClock } from '../core/hand-clock.ts';
import { authOf, EC, jwkOf, pemOf, RSA, SECRET, tokenOf } from './rig.ts';

const TOKENS = ['first-token-of-ada-0123456789', 'second-token-of-ada-0123456789'] as const;

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'tidegate-auth-'));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

test('a hash is made, read and checked; one of another program is, too', async () => {
  const hash = await makeHash('pässword');
  assert.match(hash, /^\$scrypt\$ln=15,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  assert.equal(await isPassword('pässword', readHash(hash)), true);
  for (const wrong of ['passwort', '', 'pässword ', hash]) assert.equal(await isPassword(wrong, readHash(hash)), false);
  const salt = Buffer.from('saltsaltsalt');
  const made = scryptSync('x', salt, 32, { N: 1_024, r: 4, p: 2 });
  const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  const foreign = `$scrypt$ln=10,r=4,p=2$${base64(salt)}$${base64(made)}`;
  assert.equal(await isPassword('x', readHash(foreign)), true);
});

test('a hash that is none, is weak or takes too much memory is refused, and not quoted', () => {
  const part = 'AAAAAAAAAAAAAAAAAAAAAAAAAAA';
  const rows = [
    ['$2y$10$abcdefghijklmnopqrstuv', /not a hash of the form/],
    ['$scrypt$ln=15,r=8$a$b', /not a hash of the form/],
    [`$scrypt$ln=9,r=8,p=1$${part}$${part}`, /too small/],
    [`$scrypt$ln=15,r=8,p=1$AAAA$${part}`, /too small/],
    [`$scrypt$ln=15,r=8,p=1$${part}$AAAA`, /too small/],
    [`$scrypt$ln=15,r=0,p=1$${part}$${part}`, /too small/],
    [`$scrypt$ln=20,r=8,p=1$${part}$${part}`, /more than 128 MiB/],
  ] as const;
  for (const [text, reason] of rows)
    assert.throws(
      () => readHash(text),
      (error: Error) => reason.test(error.message) && !error.message.includes('AAAA'),
      text,
    );
});

test('passwords are right or wrong by user, plain or hashed, and users that there are not are wrong', async () => {
  const passwords = new Passwords({ ada: await makeHash('one'), ben: 'two' });
  const rows = [
    ['ada', 'one', 'right'],
    ['ada', 'one', 'right'],
    ['ada', 'two', 'wrong'],
    ['ben', 'two', 'right'],
    ['ben', 'one', 'wrong'],
    ['ben', '', 'wrong'],
    ['toString', 'one', 'wrong'],
    ['__proto__', '', 'wrong'],
    ['nobody', 'nobody', 'wrong'],
  ] as const;
  for (const [user, password, result] of rows) assert.equal(await passwords.check(user, password), result, user);
});

test('a flood of wrong passwords is refused, and does not keep out who was let in before', async () => {
  const passwords = new Passwords({ ada: await makeHash('one') });
  assert.equal(await passwords.check('ada', 'one'), 'right');
  // What unknown users are compared with is there from now on, so that all of the flood come at once.
  assert.equal(await passwords.check('eve', 'one'), 'wrong');
  const flood = Promise.all(
    Array.from({ length: 60 }, (_, n) => passwords.check(n % 2 ? 'ada' : `x${n}`, `wrong ${n}`)),
  );
  assert.equal(await passwords.check('ada', 'one'), 'right');
  const results = await flood;
  assert.deepEqual(
    ['wrong', 'busy', 'right'].map((result) => results.filter((one) => one === result).length),
    [16, 44, 0],
  );
  assert.equal(await passwords.check('ada', 'other'), 'wrong');
});

test('a file of tokens is read again when it changes, and a broken one leaves the one before in use', async (t) => {
  const path = join(folder(t), 'tokens');
  writeFileSync(path, `# operators\n\nada: ${TOKENS[0]}\n`);
  const clock = new HandClock();
  const { check, kept } = await authOf(t, { bearer: { file: path } }, clock);
  assert.deepEqual([await check(TOKENS[0]), await check(TOKENS[1])], ['accepted', 'token_unknown']);
  const write = async (text: string, lines: () => readonly string[]) => {
    const before = lines().length;
    writeFileSync(path, text);
    await until(
      () => {
        clock.advance(5_000);
        return lines().length > before;
      },
      10_000,
      () => 'it was not read again',
    );
  };
  await write(`ada: ${TOKENS[1]}\nben: ${'x'.repeat(30)}\n`, kept.infos);
  assert.deepEqual([await check(TOKENS[0]), await check(TOKENS[1])], ['token_unknown', 'accepted']);
  const broken = [
    [`ada: ${TOKENS[0]}\nada: ${TOKENS[1]}`, /line 2: this name is in the file already/],
    [`# x\n${TOKENS[0]}`, /line 2: write name: token/],
    ['ada: short', /line 1: a token has at least 20 characters/],
    [`ada: ${TOKENS[0]} ${TOKENS[1]}`, /line 1: a token has letters/],
  ] as const;
  for (const [text, reason] of broken) {
    await write(text, kept.warnings);
    assert.match(kept.warnings().at(-1) ?? '', reason);
    assert.equal(await check(TOKENS[1]), 'accepted');
  }
  assert.ok(!JSON.stringify(kept.lines).includes('-token-of-'));
});

test('keys in a file are those that a link leads to, as Kubernetes changes a secret', async (t) => {
  const directory = folder(t);
  const [first, second, link] = ['first', 'second', 'link'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(first, JSON.stringify({ keys: [jwkOf(EC.publicKey)] }));
  writeFileSync(second, JSON.stringify({ keys: [jwkOf(RSA.publicKey, { kid: 'r' })] }));
  symlinkSync(first, link);
  const clock = new HandClock();
  const { check, kept } = await authOf(t, { jwt: { jwks_file: link, algorithms: ['ES256', 'RS256'] } }, clock);
  const es = tokenOf({ alg: 'ES256' }, {}, EC.privateKey);
  const rs = tokenOf({ alg: 'RS256', kid: 'r' }, {}, RSA.privateKey);
  assert.deepEqual([await check(es), await check(rs)], ['accepted', 'key_unknown']);
  symlinkSync(second, `${link}2`);
  renameSync(`${link}2`, link);
  await until(
    () => {
      clock.advance(5_000);
      return kept.infos().length > 0;
    },
    10_000,
    () => 'it was not read again',
  );
  assert.deepEqual([await check(es), await check(rs)], ['key_unknown', 'accepted']);
  unlinkSync(link);
  await until(
    () => {
      clock.advance(5_000);
      return kept.warnings().length > 0;
    },
    10_000,
    () => 'that it is gone was not noticed',
  );
  assert.equal(await check(rs), 'accepted');
});

test('a set in a file may have secrets for the HS algorithms, so that they can be changed', async (t) => {
  const path = join(folder(t), 'jwks.json');
  const secrets = [SECRET, `${SECRET} too`];
  const keys = secrets.map((secret, at) => ({
    kty: 'oct',
    k: Buffer.from(secret).toString('base64url'),
    kid: `${at}`,
  }));
  writeFileSync(path, JSON.stringify({ keys }));
  const { check } = await authOf(t, { jwt: { jwks_file: path, algorithms: ['HS256'] } });
  for (const [at, secret] of secrets.entries())
    assert.equal(await check(tokenOf({ alg: 'HS256', kid: `${at}` }, {}, secret)), 'accepted');
  assert.equal(await check(tokenOf({ alg: 'HS256', kid: '1' }, {}, SECRET)), 'token_signature');
});

test('a file that cannot be used ends the start, with its setting and the reason', async (t) => {
  const directory = folder(t);
  const path = join(directory, 'file');
  writeFileSync(path, 'nothing of use');
  const rows = [
    [{ jwt: { key_file: path, algorithms: ['ES256'] } }, /^auth\.users\.jwt\.key_file: .*not a public key/],
    [{ jwt: { jwks_file: path, algorithms: ['ES256'] } }, /^auth\.users\.jwt\.jwks_file: .*not JSON/],
    [{ jwt: { key_file: `${path}2`, algorithms: ['ES256'] } }, /^auth\.users\.jwt\.key_file: .*ENOENT/],
    [{ bearer: { file: path } }, /^auth\.users\.bearer\.file: .*line 1: write name: token/],
  ] as const;
  for (const [settings, reason] of rows)
    await assert.rejects(
      authOf(undefined, settings),
      (error) => error instanceof TidegateError && reason.test(error.message),
    );
  writeFileSync(path, pemOf(EC.publicKey));
  const { check } = await authOf(t, { jwt: { key_file: path, algorithms: ['ES256'] } });
  assert.equal(await check(tokenOf({ alg: 'ES256', kid: 'any' }, {}, EC.privateKey)), 'accepted');
});

test('a certificate gives its names as claims, and its end', () => {
  const certificate = {
    subject: { CN: 'device 7', O: 'Example' },
    subjectaltname: 'DNS:a.example, URI:spiffe://x/y, IP Address:192.0.2.1, email:"a\\"b, DNS:evil.example"',
    serialNumber: '0A',
    fingerprint256: 'AB:CD',
    valid_to: 'Jan  1 00:00:00 2030 GMT',
  } as unknown as PeerCertificate;
  const san = { dns: ['a.example'], uri: ['spiffe://x/y'], email: ['a"b, DNS:evil.example'], ip: ['192.0.2.1'] };
  assert.deepEqual(identityOfCertificate(certificate), {
    claims: { sub: 'device 7', subject: { CN: 'device 7', O: 'Example' }, san, serial: '0A', fingerprint: 'AB:CD' },
    expires: Date.UTC(2030, 0, 1),
  });
  const none = { dns: [], uri: [], email: [], ip: [] };
  for (const subjectaltname of ['DNS:a"b, DNS:c', 'DNS:"a', 'nonsense', 'DNS:a, , DNS:b'])
    assert.deepEqual(
      identityOfCertificate({ ...certificate, subjectaltname } as PeerCertificate)?.claims.san,
      none,
      subjectaltname,
    );
  const two = { ...certificate, subject: { CN: ['a', 'b'] } } as unknown as PeerCertificate;
  assert.equal(identityOfCertificate(two)?.claims.sub, undefined);
  assert.equal(identityOfCertificate({} as PeerCertificate), undefined);
  assert.equal(identityOfCertificate(undefined), undefined);
});
