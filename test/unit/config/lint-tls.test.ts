import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { loadConfig } from '../../../src/config/index.ts';
import { Authority } from '../../helpers/certificates.ts';
import { tlsFile } from '../../helpers/feed-server.ts';

const file = (name: string) => tlsFile(name);

/** What is said of a certificate of a listener, a mistake or a doubt; the end of the path in front. */
async function found(tls: Record<string, unknown>): Promise<string[]> {
  const source = {
    log: { driver: 'embedded' },
    listeners: { public: { port: 9443, tls } },
    endpoints: { e: { listener: 'public', path: '/e', codec: 'json' } },
    pipelines: { p: { source: { endpoint: 'e' }, sink: { topic: { name: 'e' } } } },
  };
  const { problems } = await loadConfig(source, { production: null }).then(
    ({ warnings }) => ({ problems: warnings }),
    (error) => error,
  );
  return problems.map(
    ({ severity, path, message }: Record<string, string>) =>
      `${severity} ${path?.replace('listeners.public.', '')}: ${message}`,
  );
}

suite('lint looks at certificates of ports', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-lint-tls-'));
  after(() => rmSync(folder, { recursive: true }));
  /** A copy that only its owner may read; a working copy of git is open to all. */
  const key = join(folder, 'tls.key');
  copyFileSync(file('server.key.pem'), key);
  chmodSync(key, 0o640);
  const good = { cert: file('server.pem'), key };

  test('a certificate that can be used is not worth a word', async () => {
    assert.deepEqual(await found({ ...good, client_ca: file('ca.pem'), client_certificate: 'optional' }), []);
  });

  test('a file that is not there is worth a note, as it may be there where the gateway runs', async () => {
    const [note, ...more] = await found({ ...good, key: '/run/secrets/tls.key' });
    assert.match(
      note ?? '',
      /^note tls\.key: the file cannot be read: ENOENT: .*'\/run\/secrets\/tls\.key'; the gateway/,
    );
    assert.deepEqual(more, []);
  });

  test('what is no PEM, a key of another certificate and a setting without its other half are mistakes', async () => {
    assert.match(
      (await found({ ...good, cert: file('server.key.pem') }))[0] ?? '',
      /^error tls\.cert: there is no certif/,
    );
    assert.match(
      (await found({ ...good, key: file('client.key.pem') }))[0] ?? '',
      /^error tls\.key: it is not the key of/,
    );
    assert.match(
      (await found({ ...good, client_ca: good.key }))[0] ?? '',
      /^error tls\.client_ca: there is no certificate/,
    );
    assert.deepEqual(await found({ ...good, client_certificate: 'required' }), [
      'error tls.client_certificate: client_certificate needs client_ca, which verifies it',
    ]);
    assert.match((await found({ cert: good.cert }))[0] ?? '', /^error tls\.key: /);
  });

  test('a certificate that has expired or soon will is a doubt', async (t) => {
    const expired = await found({ cert: file('expired.pem'), key: readFileSync(file('out-of-date.key.pem'), 'utf8') });
    assert.deepEqual(expired, [
      'warning tls.cert: the certificate has expired: it was valid until 2021-01-01T00:00:00.000Z, and clients refuse it; renew it',
    ]);
    const soon = await found({ ...new Authority(t).issue({ name: 'gateway', days: 10 }) });
    assert.match(soon[0] ?? '', /^warning tls\.cert: the certificate expires in (9|10) days, at 20.*Z; renew it$/);
  });

  test('the admin port and the Connect API are checked, too', async () => {
    const tls = { ...good, cert: good.key };
    const source = { log: { driver: 'embedded' }, admin: { tls }, connect: { tls: { ...tls, ca: file('ca.pem') } } };
    await assert.rejects(loadConfig(source, { production: null }), (error: { problems: { path: string }[] }) => {
      assert.deepEqual(error.problems.map(({ path }) => path).sort(), ['admin.tls.cert', 'connect.tls.cert']);
      return true;
    });
  });

  test('a key that every user of the machine may read is worth a note', async (t) => {
    chmodSync(key, 0o644);
    t.after(() => chmodSync(key, 0o640));
    assert.deepEqual(await found(good), [
      'note tls.key: every user of this machine may read the file; take their right away (chmod o=)',
    ]);
  });
});
