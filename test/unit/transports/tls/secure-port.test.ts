import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { promisify } from 'node:util';
import { createTimedServer, HTTP_TIMEOUTS } from '../../../../src/core/http-timeouts.ts';
import { WaitingConnections } from '../../../../src/core/waiting-connections.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { SecurePort, type ServerTlsSettings } from '../../../../src/transports/tls/secure-port.ts';
import { readHandshake } from '../../../../src/transports/websocket/handshake.ts';
import { Authority, CertificateFolder, type Issued } from '../../../helpers/certificates.ts';
import { until } from '../../../helpers/gateway-process.ts';
import { HandClock } from '../../core/hand-clock.ts';

const RELOAD = 1_000;
const DAY = 86_400_000;

/** An HTTPS server that answers with the name in the certificate of its client. */
async function open(t: TestContext, settings: Partial<ServerTlsSettings> & Issued) {
  const lines: { msg: string; reason?: string; error?: string }[] = [];
  const sink = new Writable({
    write(line: Buffer, _, done) {
      lines.push(JSON.parse(line.toString()));
      done();
    },
  });
  const stats = createStats();
  const clock = new HandClock();
  clock.stepped = Date.now() - clock.time;
  const port = new SecurePort({
    ...{ place: 'listeners.public', stats, clock, logger: createLogger({ level: 'info', destination: sink }) },
    settings: { handshake_timeout: 10_000, reload: RELOAD, ...settings },
  });
  const waiting = new WaitingConnections(() => 100);
  const server = createTimedServer(
    HTTP_TIMEOUTS,
    (request, response) => void response.end(String(readHandshake(request)?.certificate?.()?.subject.CN)),
    { tls: port },
  );
  waiting.watch(server);
  server.on('clientError', () => assert.fail('a failed handshake is no request'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    port.close();
    server.closeAllConnections();
    server.close();
  });
  const read = (name: string, labels: object) =>
    stats
      .snapshot()
      .find((metric) => metric.name === name)
      ?.points.find(
        (point) => JSON.stringify(point.labels) === JSON.stringify({ place: 'listeners.public', ...labels }),
      ) as { value: number } | undefined;
  return {
    ...{ port: (server.address() as AddressInfo).port, server, clock, lines, waiting },
    value: (name: string, labels: object = {}) => read(name, labels)?.value,
    handshakes: (result: string) => read('tidegate_tls_handshakes_total', { result })?.value,
    reloads: (result: string) => read('tidegate_tls_reloads_total', { result })?.value,
  };
}

interface Outcome {
  readonly answer: string;
  /** Of the server's certificate. */
  readonly name: string;
  readonly alpn: string | false | null;
  readonly isResumed: boolean;
  readonly session: Buffer | undefined;
}

/** The answer to a request over TLS; rejects where there is none. */
function ask(port: number, options: ConnectionOptions): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ...options });
    let answer = '';
    let session: Buffer | undefined;
    let facts: Pick<Outcome, 'name' | 'alpn' | 'isResumed'>;
    socket.on('secureConnect', () => {
      // A resumed session of TLS 1.2 has no certificate.
      const name = String(socket.getPeerCertificate().subject?.CN);
      facts = { name, alpn: socket.alpnProtocol, isResumed: socket.isSessionReused() };
    });
    socket.on('session', (one) => {
      session = one;
    });
    socket.on('data', (bytes) => {
      answer += bytes;
    });
    socket.on('error', reject);
    socket.on('close', () => (answer === '' ? reject(new Error('closed')) : resolve({ ...facts, answer, session })));
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  });
}

const named = (name: string) => new RegExp(`\r\n\r\n.*${name}`, 's');

test('TLS 1.2 and 1.3 with safe ciphers and http/1.1 are spoken, and nothing else', async (t) => {
  const authority = new Authority(t);
  const { port, handshakes, lines } = await open(t, authority.issue({ name: 'gateway' }));
  const ca = authority.cert;
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { ca, minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] };
    assert.equal((await ask(port, options)).alpn, 'http/1.1');
  }
  assert.equal(handshakes('ok'), 2);
  const refused = [
    { ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
    { ca, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' },
    { ca, ALPNProtocols: ['h2'] },
  ] as const;
  for (const options of refused) await assert.rejects(ask(port, options as ConnectionOptions), /alert|closed|reset/i);
  await until(
    () => handshakes('protocol') === 3,
    5_000,
    () => JSON.stringify(lines),
  );
  // A minute apart, though there were three.
  assert.deepEqual(
    lines.map(({ reason }) => reason),
    ['protocol'],
  );
});

test('plain HTTP, silence, clients that leave and those that refuse our certificate are counted apart', async (t) => {
  const authority = new Authority(t);
  const gateway = await open(t, { ...authority.issue({ name: 'gateway' }), handshake_timeout: 150 });
  const { port, server, handshakes, lines, waiting } = gateway;
  const send = (bytes: string | Buffer) => {
    const socket = connectTcp(port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    if (bytes.length > 0) socket.write(bytes);
    return socket;
  };
  const plain = send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(plain, 'close');
  const noise = send(Buffer.alloc(64, 7));
  await once(noise, 'close');
  const silent = send('');
  await once(silent, 'close');
  send('').once('connect', function (this: import('node:net').Socket) {
    this.destroy();
  });
  // Node leaves without an alert; openssl sends one, as browsers do.
  const strict = ['s_client', '-connect', `127.0.0.1:${port}`, '-verify_return_error'];
  await assert.rejects(promisify(execFile)('openssl', strict), /verify error/);
  await until(
    () => ['plain_http', 'protocol', 'timeout', 'alert'].every((result) => handshakes(result) === 1),
    5_000,
    () => JSON.stringify(lines),
  );
  await until(
    () => handshakes('closed') === 1,
    5_000,
    () => 'the client that left was not counted',
  );
  assert.equal(handshakes('ok'), 0);
  assert.deepEqual(lines.map(({ reason }) => reason).sort(), ['alert', 'plain_http', 'protocol', 'timeout']);
  assert.match(
    lines.find(({ reason }) => reason === 'plain_http')?.msg ?? '',
    /^TLS handshakes at listeners\.public fail: they speak HTTP without TLS to a port with TLS; they have to use wss:/,
  );
  assert.equal(lines.find(({ reason }) => reason === 'plain_http')?.error, 'http request');
  const open_ = await new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  assert.deepEqual([open_, waiting.size], [0, 0]);
});

test('a connection with TLS counts once while it waits, and is released by the socket of its request', async (t) => {
  const authority = new Authority(t);
  const { port, server, waiting } = await open(t, authority.issue({ name: 'gateway' }));
  const first = connectTcp(port, '127.0.0.1');
  await until(
    () => waiting.size === 1,
    5_000,
    () => 'the connection without a handshake does not count',
  );
  const upgraded = once(server, 'upgrade');
  server.on('upgrade', (request, socket) => {
    waiting.release(request.socket);
    t.after(() => socket.destroy());
  });
  const second = connect({ host: '127.0.0.1', port, ca: authority.cert });
  await once(second, 'secureConnect');
  await until(
    () => waiting.size === 2,
    5_000,
    () => `${waiting.size} connections wait`,
  );
  second.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  await upgraded;
  assert.equal(waiting.size, 1);
  second.destroy();
  first.destroy();
  await until(
    () => waiting.size === 0,
    5_000,
    () => 'closed connections count',
  );
});

test('client certificates are required: clients without one, or of another authority, never send a request', async (t) => {
  const authority = new Authority(t);
  const other = new Authority(t, 'Other CA');
  const gateway = await open(t, { ...authority.issue({ name: 'gateway' }), client_ca: authority.file });
  const { port, handshakes } = gateway;
  const ca = authority.cert;
  const known = await ask(port, { ca, ...authority.issue({ name: 'device-7' }) });
  assert.match(known.answer, named('device-7'));
  for (const [count, maxVersion] of [
    [2, 'TLSv1.2'],
    [4, 'TLSv1.3'],
  ] as const) {
    await assert.rejects(ask(port, { ca, maxVersion }));
    await assert.rejects(ask(port, { ca, maxVersion, ...other.issue({ name: 'stranger' }) }));
    await until(
      () => handshakes('client_certificate') === count,
      5_000,
      () => `${handshakes('client_certificate')}`,
    );
  }
  assert.equal(handshakes('ok'), 1);
});

test('with optional client certificates one without comes in nameless, also by a resumed session', async (t) => {
  const authority = new Authority(t);
  const other = new Authority(t, 'Other CA');
  const gateway = await open(t, {
    ...authority.issue({ name: 'gateway' }),
    ...{ client_ca: authority.cert, client_certificate: 'optional' },
  });
  const { port, handshakes } = gateway;
  const ca = authority.cert;
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const nameless = await ask(port, { ca, maxVersion });
    assert.match(nameless.answer, named('undefined'));
    assert.ok(nameless.session !== undefined);
    const again = await ask(port, { ca, maxVersion, session: nameless.session });
    assert.equal(again.isResumed, true);
    assert.match(again.answer, named('undefined'));
  }
  const device = authority.issue({ name: 'device-7' });
  const known = await ask(port, { ca, ...device });
  assert.match(known.answer, named('device-7'));
  assert.equal(handshakes('client_certificate'), 0);
  await assert.rejects(ask(port, { ca, ...other.issue({ name: 'stranger' }) }));
  await until(
    () => handshakes('client_certificate') === 1,
    5_000,
    () => 'a stranger was not counted',
  );
});

test('a certificate is read again once its folder is exchanged as Kubernetes does, and sessions begin anew', async (t) => {
  const authority = new Authority(t);
  const [first, second] = [authority.issue({ name: 'first' }), authority.issue({ name: 'second' })];
  const mount = new CertificateFolder(t);
  const show = (issued: Issued) => {
    const content = new CertificateFolder(t);
    content.write(issued);
    symlinkSync(content.folder, mount.path('..next'));
    renameSync(mount.path('..next'), mount.path('..data'));
  };
  show(first);
  symlinkSync('..data/tls.crt', mount.path('tls.crt'));
  symlinkSync('..data/tls.key', mount.path('tls.key'));
  const { port, clock, reloads, lines } = await open(t, mount.settings);
  const ca = authority.cert;
  const kept = connect({ host: '127.0.0.1', port, ca });
  await once(kept, 'secureConnect');
  const shown = (session?: Buffer) => ask(port, { ca, maxVersion: 'TLSv1.2', ...(session && { session }) });
  const before = await shown();
  assert.equal(before.name, 'first');
  const look = async () => {
    clock.advance(RELOAD);
    // The look at the files is finished when the next one is due.
    await until(
      () => clock.pending === 1,
      5_000,
      () => 'the files are not looked at again',
    );
  };
  await look();
  assert.deepEqual([reloads('ok'), reloads('failed')], [0, 0]);
  assert.equal((await shown(before.session)).isResumed, true);
  show(second);
  await look();
  assert.deepEqual([reloads('ok'), reloads('failed')], [1, 0]);
  assert.equal((await shown()).name, 'second');
  assert.equal((await shown(before.session)).isResumed, false);
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['the certificate of listeners.public was read again; new connections get it, open ones stay'],
  );
  kept.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.match(String((await once(kept, 'data'))[0]), /^HTTP\/1\.1 200/);
  kept.destroy();
});

test('files that are half written or do not fit keep the certificate before, with one line and a count', async (t) => {
  const authority = new Authority(t);
  const [first, second] = [authority.issue({ name: 'first' }), authority.issue({ name: 'second' })];
  const folder = new CertificateFolder(t);
  folder.write(first);
  const { port, clock, reloads, lines } = await open(t, folder.settings);
  const look = async () => {
    clock.advance(RELOAD);
    await until(
      () => clock.pending === 1,
      5_000,
      () => 'the files are not looked at again',
    );
  };
  const shown = async () => (await ask(port, { ca: authority.cert })).name;
  await look();
  folder.write({ cert: second.cert });
  await look();
  await look();
  assert.equal(reloads('failed'), 1);
  assert.match(lines[0]?.msg ?? '', /so the one before stays in use: key: it is not the key of the first certificate/);
  folder.write({ key: second.key.slice(0, 60) });
  await look();
  rmSync(folder.path('tls.key'));
  await look();
  assert.equal(reloads('failed'), 3);
  assert.match(lines.at(-1)?.msg ?? '', /stays in use: key: the file cannot be read: ENOENT/);
  assert.equal(await shown(), 'first');
  folder.write({ key: second.key });
  await look();
  assert.deepEqual([reloads('ok'), reloads('failed'), lines.length], [1, 3, 4]);
  assert.equal(await shown(), 'second');
});

test('the time that a certificate is still valid is measured, and the last two weeks are warned of daily', async (t) => {
  const authority = new Authority(t);
  const { clock, lines, value } = await open(t, { ...authority.issue({ name: 'gateway', days: 16 }), reload: DAY / 2 });
  const days = () => Math.round((value('tidegate_tls_certificate_expiry_seconds') ?? 0) / 86_400);
  const pass = async (halves: number) => {
    for (let n = 0; n < halves; n++) {
      clock.advance(DAY / 2);
      await until(
        () => clock.pending === 1,
        5_000,
        () => 'the files are not looked at again',
      );
    }
  };
  assert.equal(days(), 16);
  await pass(3);
  assert.equal(lines.length, 0);
  await pass(2);
  assert.equal(lines.length, 1);
  assert.match(lines[0]?.msg ?? '', /^the certificate of listeners\.public expires in 13 days, at 20.*Z; renew it$/);
  await pass(2);
  assert.equal(lines.length, 2);
  await pass(25);
  assert.ok((value('tidegate_tls_certificate_expiry_seconds') ?? 0) < 0);
  assert.match(lines.at(-1)?.msg ?? '', /has expired: it was valid until 20.*Z, and clients refuse it; renew it$/);
});

test('a gateway does not start with a certificate that it cannot use', (t) => {
  const { key } = new Authority(t).issue({ name: 'gateway' });
  const settings = { cert: '/nowhere/tls.crt', key, handshake_timeout: 1, reload: 0 };
  const [stats, clock, logger] = [createStats(), new HandClock(), createLogger({ level: 'silent' })];
  assert.throws(() => new SecurePort({ place: 'admin', settings, stats, clock, logger }), {
    code: 'TG_CONFIG_INVALID',
    message: /^admin\.tls\.cert: the file cannot be read: ENOENT/,
  });
});
