import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigError, loadConfig } from '../../../src/config/index.ts';
import { tlsFile } from '../../helpers/feed-server.ts';

const JWT = { jwt: { secret: 'correct horse battery staple, 32 bytes and more', algorithms: ['HS256'] } };
const TLS = { cert: tlsFile('server.pem'), key: tlsFile('server.key.pem') };
const PLAIN = /^note endpoints\.e\.auth: the tokens and passwords of its clients go through the network unencrypted/;

interface Ports {
  readonly listener?: object;
  readonly auth?: object;
  readonly more?: object;
}

/** What is said of a gateway with an endpoint for `users`; nothing of its certificate, whose file all may read. */
async function said({ listener = {}, auth = { users: JWT }, more = {} }: Ports): Promise<string[]> {
  const source = {
    log: { driver: 'embedded' },
    auth,
    listeners: { public: { port: 9090, ...listener } },
    endpoints: { e: { listener: 'public', path: '/e', codec: 'json', auth: 'users' } },
    pipelines: { p: { source: { endpoint: 'e' }, sink: { topic: { name: 'e' } } } },
    ...more,
  };
  const problems = await loadConfig(source, { production: null }).then(
    ({ warnings }) => warnings,
    (error: unknown) => (error as ConfigError).problems,
  );
  return problems
    .filter(({ path }) => !path.endsWith('tls.key'))
    .map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

test('tokens at a port without TLS are worth a note, unless a proxy decrypts them or the port is local', async () => {
  const [note, ...others] = await said({});
  assert.match(note ?? '', PLAIN);
  assert.deepEqual(others, []);
  const fine = [{ tls: TLS }, { host: '127.0.0.1' }, { trusted_proxies: '10.0.0.0/8' }, { proxy_protocol: 'v2' }];
  for (const listener of fine) assert.deepEqual(await said({ listener }), [], JSON.stringify(listener));
});

test('passwords of operators at a port without TLS are worth a note, where the port is open to others', async () => {
  const listener = { tls: TLS };
  for (const section of ['admin', 'connect']) {
    const open = { port: 8080, host: '0.0.0.0', auth: 'users' };
    const [note = ''] = await said({ listener, more: { [section]: open } });
    assert.ok(note.startsWith(`note ${section}.auth: the tokens and passwords of operators go through`), note);
    assert.deepEqual(await said({ listener, more: { [section]: { ...open, host: '127.0.0.1' } } }), []);
    assert.deepEqual(await said({ listener, more: { [section]: { ...open, tls: TLS } } }), []);
  }
});

test('a range of trusted proxies that has all addresses in it is a doubt', async () => {
  for (const range of ['0.0.0.0/0', '::/0'])
    assert.deepEqual(await said({ listener: { trusted_proxies: ['10.0.0.0/8', range] } }), [
      `warning listeners.public.trusted_proxies[1]: ${range} is everyone, so each client chooses its own address by X-Forwarded-For; list the addresses of your proxies`,
    ]);
});

test('certificates that no listener asks for', async () => {
  const listener = { tls: TLS };
  const auth = { users: { certificate: {} } };
  assert.deepEqual(await said({ listener, auth }), [
    'warning endpoints.e.auth: auth.users knows clients by their certificates, and the listener asks for none; set listeners.public.tls.client_ca',
  ]);
  assert.deepEqual(await said({ listener: { tls: { ...TLS, client_ca: tlsFile('ca.pem') } }, auth }), []);
});

test('with TLS the Connect API cannot be advertised by http', async () => {
  const connect = { tls: TLS, advertised: 'http://gateway-1:8083' };
  assert.deepEqual(await said({ listener: { tls: TLS }, more: { connect } }), [
    'error connect.advertised: this port has TLS (connect.tls), so other gateways could not reach it by http://; write https://, or leave it out',
  ]);
  const https = { ...connect, advertised: 'https://gateway-1:8083' };
  assert.deepEqual(await said({ listener: { tls: TLS }, more: { connect: https } }), []);
});
