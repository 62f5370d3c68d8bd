import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { ConfigError, loadConfig } from '../../../src/config/index.ts';
import { EC, pemOf, RSA, SECRET } from '../auth/rig.ts';

const LOG = { log: { driver: 'embedded', embedded: { memory: true } } };

/** What is said about a configuration, as `path: message`. */
async function said(config: object): Promise<string[]> {
  try {
    const { warnings } = await loadConfig({ ...LOG, ...config }, { production: null });
    return warnings
      .filter(({ severity }) => severity !== 'note')
      .map(({ path, severity, message }) => `${severity} ${path}: ${message}`);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

test('each entry of auth that could not be safe is refused at its setting, without its secret', async () => {
  const weak = pemOf(generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey);
  const jwt = (settings: object) => ({ jwt: settings });
  const token = 'a-token-of-some-length-0123456789';
  const rows: [object, string, RegExp][] = [
    [jwt({ secret: SECRET }), 'auth.x.jwt.algorithms', /^is missing/],
    [jwt({ secret: SECRET, algorithms: [] }), 'auth.x.jwt.algorithms', /at least one algorithm/],
    [jwt({ secret: SECRET, algorithms: ['none'] }), 'auth.x.jwt.algorithms[0]', /expected one of HS256/],
    [jwt({ secret: SECRET, algorithms: ['HS256', 'RS256'] }), 'auth.x.jwt.algorithms', /do not go together/],
    [jwt({ secret: SECRET, algorithms: ['RS256'] }), 'auth.x.jwt.algorithms', /a secret is for HS256/],
    [jwt({ secret: 'geheimgeheim', algorithms: ['HS256'] }), 'auth.x.jwt.secret', /it has 12 bytes, .* at least 32/],
    [jwt({ secret: SECRET, algorithms: ['HS256', 'HS512'] }), 'auth.x.jwt.secret', /at least 64/],
    [jwt({ secret: pemOf(RSA.publicKey), algorithms: ['HS256'] }), 'auth.x.jwt.secret', /this is a public key/],
    [
      jwt({ secret: pemOf(RSA.publicKey).replace(/-----.*-----|\n/g, ''), algorithms: ['HS256'] }),
      'auth.x.jwt.secret',
      /this is a public key/,
    ],
    [jwt({ key: pemOf(RSA.publicKey), algorithms: ['HS256'] }), 'auth.x.jwt.algorithms', /public key as a secret/],
    [jwt({ jwks: 'https://id.example/keys', algorithms: ['HS256'] }), 'auth.x.jwt.algorithms', /in place of jwks/],
    [jwt({ key: 'geheimgeheim', algorithms: ['RS256'] }), 'auth.x.jwt.key', /not a public key or certificate/],
    [jwt({ key: weak, algorithms: ['RS256'] }), 'auth.x.jwt.key', /1024 bits/],
    [
      jwt({ keys: { a: RSA.privateKey.export({ type: 'pkcs8', format: 'pem' }) }, algorithms: ['RS256'] }),
      'auth.x.jwt.keys.a',
      /private key, which signs/,
    ],
    [jwt({ algorithms: ['RS256'] }), 'auth.x.jwt', /expected one of jwks, jwks_file, secret/],
    [jwt({ secret: SECRET, key_file: 'x', algorithms: ['HS256'] }), 'auth.x.jwt.key_file', /expected one of/],
    [jwt({ jwks: 'id.example/keys', algorithms: ['RS256'] }), 'auth.x.jwt.jwks', /does not begin with https/],
    [{ bearer: { tokens: { a: 'geheimgeheim' } } }, 'auth.x.bearer.tokens.a', /at least 20 characters/],
    [{ bearer: { tokens: { a: `${token} geheim` } } }, 'auth.x.bearer.tokens.a', /letters, digits/],
    [{ bearer: { tokens: { a: token }, file: 'x' } }, 'auth.x.bearer', /either tokens or file/],
    [{ bearer: {} }, 'auth.x.bearer', /either tokens or file/],
    [{ basic: { ada: '' } }, 'auth.x.basic.ada', /is empty/],
    [{ basic: { ada: '$2y$geheimgeheim' } }, 'auth.x.basic.ada', /not a hash of the form/],
    [{ basic: { 'a:b': 'x' } }, 'auth.x.basic.a:b', /no colon/],
    [{ certificate: {}, token: [] }, 'auth.x.token', /at least one place/],
    [{ certificate: {}, token: ['body'] }, 'auth.x.token[0]', /expected header, protocol/],
    [{ token: ['header'] }, 'auth.x', /at least one of jwt, bearer, basic, certificate/],
  ];
  for (const [entry, path, message] of rows) {
    const found = await said({ auth: { x: entry } });
    assert.equal(found.length, 1, `${path}: ${found.join('\n')}`);
    const [first = ''] = found;
    assert.ok(first.startsWith(`${path}: `), `${path} is not where ${first} is`);
    assert.match(first.slice(path.length + 2), message);
    assert.ok(!/geheim|MII|correct horse/.test(first), first);
  }
});

test('entries with which nothing is wrong are taken, with their defaults', async () => {
  const auth = {
    users: {
      jwt: {
        jwks: 'https://id.example/keys',
        issuer: 'https://id.example/',
        audience: 'tidegate',
        algorithms: 'RS256,ES256',
      },
      token: ['header', 'protocol', { query: 'access_token' }, { cookie: 'session' }],
    },
    devices: { jwt: { secret: SECRET, algorithms: ['HS256'] } },
    partners: { jwt: { key: pemOf(EC.publicKey), algorithms: ['ES256'] }, certificate: {} },
    operators: { basic: { ada: 'from the environment' }, bearer: { file: '/run/secrets/tokens' } },
  };
  const sections = { admin: { auth: 'operators' }, connect: { auth: 'operators', host: '0.0.0.0' } };
  assert.deepEqual(await said({ auth, ...sections }), []);
  const { config } = await loadConfig({ ...LOG, auth, ...sections }, { production: null });
  const { jwt, token } = config.auth.users ?? {};
  assert.deepEqual(
    [jwt?.algorithms, jwt?.issuer, jwt?.clock_skew, jwt?.cache, jwt?.max_stale, jwt?.refetch, jwt?.timeout],
    [['RS256', 'ES256'], ['https://id.example/'], 30_000, 600_000, 3_600_000, 5_000, 5_000],
  );
  assert.equal(token?.length, 4);
  assert.deepEqual(config.auth.devices?.token, ['header']);
});

test('entries that do not go with their use are pointed out', async () => {
  const device = { certificate: {} };
  const far = { jwt: { jwks: 'http://id.example/keys', algorithms: ['RS256'] } };
  const near = { jwt: { jwks: 'http://localhost:1/keys', algorithms: ['RS256'], audience: 'me' } };
  assert.deepEqual(await said({ auth: { device }, admin: { auth: 'devise' } }), [
    'admin.auth: there is no entry of auth "devise"; there is device; did you mean "device"?',
  ]);
  assert.deepEqual(await said({ connect: { auth: 'x' } }), [
    'connect.auth: there is no entry of auth "x"; the file has no auth',
  ]);
  const certificates = await said({ auth: { device }, admin: { auth: 'device' }, connect: { auth: 'device' } });
  assert.deepEqual(
    certificates.map((text) => text.slice(0, 55)),
    [
      'admin.auth: auth.device knows certificates only, which ',
      'connect.auth: auth.device knows certificates only, whic',
    ],
  );
  const asks = { port: 1, tls: { cert: '/a.crt', key: '/a.key', client_ca: '/a.crt' } };
  const words = { path: '/ws', codec: 'json', auth: 'device', direction: 'out' };
  const secure = await said({
    auth: { device },
    admin: { auth: 'device', tls: asks.tls },
    listeners: { asks, plain: { port: 2 } },
    endpoints: { one: { ...words, listener: 'asks' }, two: { ...words, listener: 'plain' } },
  });
  assert.deepEqual(
    secure.filter((text) => text.includes('certificates')).map((text) => text.slice(0, 71)),
    ['warning endpoints.two.auth: auth.device knows clients by their certific'],
  );
  const servers = await said({ auth: { far, near } });
  assert.deepEqual(
    servers.map((text) => text.slice(0, 40)),
    ['warning auth.far.jwt.jwks: without TLS a', 'warning auth.far.jwt: without audience t'],
  );
  const open = await said({ connect: { host: '0.0.0.0' } });
  assert.match(open.join(), /^warning connect\.host: everyone who reaches this address .* set connect\.auth, or bind/);
  for (const host of ['127.0.0.1', 'localhost', '::1']) assert.deepEqual(await said({ connect: { host } }), [], host);
});
