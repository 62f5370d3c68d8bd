import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CertificateFault, readServerCertificate } from '../../../../src/transports/tls/server-certificate.ts';
import { Authority, CertificateFolder } from '../../../helpers/certificates.ts';
import { tlsFile } from '../../../helpers/feed-server.ts';

const pem = (name: string) => readFileSync(tlsFile(name), 'utf8');

test('a certificate is read from files and from PEM text, and is valid as long as all of its chain is', (t) => {
  const authority = new Authority(t);
  const folder = new CertificateFolder(t);
  const { cert, key } = authority.issue({ name: 'gateway', days: 90 });
  folder.write({ cert: cert + authority.cert, key });
  const read = readServerCertificate({ ...folder.settings, client_ca: authority.cert });
  assert.equal(read.cert, cert + authority.cert);
  assert.equal(read.key, key);
  assert.equal(read.clientCa, authority.cert);
  assert.equal(read.subject, 'CN=gateway, O=Test');
  // The authority of the test is valid for 30 days only.
  assert.ok(Math.abs(read.notAfter - Date.now() - 30 * 86_400_000) < 60_000, new Date(read.notAfter).toISOString());
  assert.ok(readServerCertificate({ cert, key }).notAfter > read.notAfter);
  assert.equal(readServerCertificate({ cert, key }).clientCa, undefined);
});

test('each fault of certificate, key and authority names its setting and says what is expected', () => {
  const good = { cert: pem('server.pem'), key: pem('server.key.pem') };
  const fault = (settings: object): [string, boolean, string] => {
    try {
      readServerCertificate({ ...good, ...settings });
    } catch (error) {
      assert.ok(error instanceof CertificateFault, String(error));
      return [error.setting, error.isUnreadable, error.message];
    }
    return assert.fail('nothing was wrong');
  };
  assert.deepEqual(fault({ cert: '/nowhere/tls.crt' }), [
    'cert',
    true,
    "the file cannot be read: ENOENT: no such file or directory, open '/nowhere/tls.crt'",
  ]);
  assert.deepEqual(fault({ key: '/nowhere/tls.key' }).slice(0, 2), ['key', true]);
  assert.deepEqual(fault({ client_ca: '/nowhere/ca.crt' }).slice(0, 2), ['client_ca', true]);
  const empty = 'there is no certificate in it; expected PEM, -----BEGIN CERTIFICATE-----';
  assert.deepEqual(fault({ cert: good.key }), ['cert', false, empty]);
  assert.deepEqual(fault({ client_ca: good.key }), ['client_ca', false, empty]);
  const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  assert.deepEqual(fault({ cert: good.cert + damaged }), ['cert', false, 'certificate 2 in it is damaged']);
  assert.deepEqual(fault({ key: good.cert }), [
    'key',
    false,
    'there is no private key in it; expected PEM, -----BEGIN PRIVATE KEY-----',
  ]);
  const other =
    /^it is not the key of the first certificate in cert \(CN=feed\.test\); the certificate of this server has/;
  assert.match(fault({ key: pem('client.key.pem') })[2], other);
  // The authority in front of the certificate.
  assert.match(fault({ cert: pem('ca.pem') + good.cert })[2], /^it is not the key of the first certificate/);
});

test('a key with a passphrase is called that, in the newer and the older form', () => {
  const cert = pem('server.pem');
  for (const form of [[], ['-traditional']]) {
    const args = ['pkey', '-in', tlsFile('server.key.pem'), '-aes128', '-passout', 'pass:secret', ...form];
    const key = execFileSync('openssl', args, { encoding: 'utf8' });
    assert.throws(
      () => readServerCertificate({ cert, key }),
      /^Error: the key has a passphrase; give one without, as openssl pkey writes it$/,
    );
  }
});
