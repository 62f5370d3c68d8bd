import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { connectByTls, tlsReader } from '../../../../src/transports/kafka/connection/tls.ts';
import { FeedServer, tlsFile } from '../../../helpers/feed-server.ts';
import { authorities, type Certificate, TlsFront } from '../../../services/tls-front.ts';

async function failure(t: TestContext, certificate: Certificate, options: ConnectionOptions): Promise<string> {
  const front = await TlsFront.start(t, 1);
  front.serve(certificate);
  const [error] = await once(
    connectByTls('localhost', front.port, options, () => {}),
    'error',
    {},
  ).catch((thrown) => [thrown]);
  return (error as Error).message.replace(String(front.port), 'PORT');
}

test('a certificate that is out of date is reported with the broker, its time and the time here', async (t) => {
  const ca = authorities();
  assert.match(
    await failure(t, 'expired', { ca }),
    /^localhost:PORT: certificate has expired: that of feed\.test was valid until 2021-01-01T00:00:00\.000Z; the clock of this machine says 20\d\d-.*Z$/,
  );
  assert.match(
    await failure(t, 'future', { ca }),
    /^localhost:PORT: certificate is not yet valid: that of feed\.test is valid from 2099-01-01T00:00:00\.000Z on; the clock of/,
  );
});

test('other faults of TLS name the broker, too', async (t) => {
  assert.match(await failure(t, 'server', {}), /^localhost:PORT: (unable to verify|self.signed)/);
  const ca = authorities();
  assert.match(await failure(t, 'server', { ca, servername: 'other.test' }), /^localhost:PORT: Hostname\/IP does not/);
});

test('the reason of a broker that refuses our certificate is reported', async (t) => {
  const server = await FeedServer.start(t, { tls: { clientCertificate: true } });
  const socket = connectByTls('localhost', server.port, { ca: authorities() }, () => {});
  const [error] = (await once(socket, 'error').catch((thrown) => [thrown])) as [Error];
  assert.match(error.message, /^localhost:\d+: the broker refuses TLS \(.*alert.*\); check log\.ssl$/);
});

test('a port that ends the connection at the first bytes of TLS, as one without TLS does, is named', async (t) => {
  const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(0, '127.0.0.1');
  t.after(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [error] = (await once(
    connectByTls('127.0.0.1', port, {}, () => {}),
    'error',
    {},
  ).catch((thrown) => [thrown])) as [Error];
  assert.match(
    error.message,
    /^127\.0\.0\.1:\d+ ended the connection before .* this port may be without TLS: check log\.ssl$/,
  );
});

test('a certificate and a key that do not go together, or are no PEM, are named by their setting', () => {
  const cert = authorities();
  for (const key of [readFileSync(tlsFile('server.key.pem')), Buffer.alloc(0)])
    assert.throws(
      () => connectByTls('localhost', 1, { cert, key }, () => {}),
      /^Error: log\.ssl cannot be used: error:/,
    );
});

test('certificates are read again for each connection, and those before are kept where that fails', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-tls-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, 'old');
  const read = tlsReader({ ca, servername: 'kafka.internal', reject_unauthorized: true });
  assert.equal(String(read?.().ca), 'old');
  writeFileSync(ca, 'renewed');
  assert.deepEqual(read?.(), {
    ca: Buffer.from('renewed'),
    cert: undefined,
    key: undefined,
    servername: 'kafka.internal',
    rejectUnauthorized: true,
  });
  rmSync(ca);
  assert.equal(String(read?.().ca), 'renewed');
  assert.throws(() => tlsReader({ ca, reject_unauthorized: true })?.(), { code: 'TG_CONFIG_INVALID' });
});

test('TLS is off, or trusts the authorities of the system', () => {
  assert.equal(tlsReader(false), undefined);
  assert.deepEqual(tlsReader(true)?.(), {});
});
