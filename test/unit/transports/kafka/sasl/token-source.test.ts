import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { kafkaSchema } from '../../../../../src/transports/kafka/connection/schema.ts';
import type { OauthSettings } from '../../../../../src/transports/kafka/sasl/schema.ts';
import { TokenSource } from '../../../../../src/transports/kafka/sasl/token-source.ts';
import { Authority } from '../../../../helpers/certificates.ts';
import { HandClock } from '../../../core/hand-clock.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-token-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const settings = (given: Partial<OauthSettings>): OauthSettings => ({ extensions: {}, ...given });

/** A token that says when it ends, in seconds from the clock's time on. */
function tokenUntil(clock: HandClock, seconds: number): string {
  const exp = Math.floor(clock.now() / 1_000) + seconds;
  return `x.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.y`;
}

interface Answer {
  readonly status?: number;
  readonly body: string;
}

async function endpoint(t: TestContext, answer: (count: number, request: IncomingMessage, form: string) => Answer) {
  let count = 0;
  const server = createServer((request, response) => {
    let form = '';
    request.on('data', (bytes) => {
      form += bytes;
    });
    request.on('end', () => {
      count += 1;
      const { status = 200, body } = answer(count, request, form);
      response.writeHead(status).end(body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  const token_endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token?tenant=geheim`;
  return { settings: settings({ token_endpoint, client_id: 'us', client_secret: 'geheim-7' }), count: () => count };
}

test('a token is used again for half of its lifetime, and callers at the same time share one', async (t) => {
  const clock = new HandClock();
  const { settings: given, count } = await endpoint(t, (n) => ({
    body: JSON.stringify({ access_token: `t${n}`, expires_in: 100 }),
  }));
  const source = new TokenSource(given, clock);
  assert.deepEqual(await Promise.all([source.token(), source.token()]), ['t1', 't1']);
  clock.advance(49_000);
  assert.equal(await source.token(), 't1');
  clock.advance(2_000);
  assert.equal(await source.token(), 't2');
  source.forget('t1');
  assert.equal(await source.token(), 't2');
  source.forget('t2');
  assert.equal(await source.token(), 't3');
  assert.equal(count(), 3);
});

test('the endpoint gets the grant, the scope, and name and secret in the form of OAuth 2.0', async (t) => {
  let seen: [string | undefined, string] = ['', ''];
  const { settings: given } = await endpoint(t, (_, { headers }, form) => {
    seen = [headers.authorization, form];
    return { body: '{"access_token":"t"}' };
  });
  const source = new TokenSource(
    { ...given, client_id: 'a:b', client_secret: 'c d', scope: 'kafka write' },
    new HandClock(),
  );
  assert.equal(await source.token(), 't');
  assert.deepEqual(seen, [
    `Basic ${Buffer.from('a%3Ab:c+d').toString('base64')}`,
    'grant_type=client_credentials&scope=kafka+write',
  ]);
});

test('what an endpoint does wrong is named, without the secret and the query', async (t) => {
  const failure = async (answer: Answer): Promise<string> => {
    const { settings: given } = await endpoint(t, () => answer);
    const error = await new TokenSource(given, new HandClock()).token().catch((thrown: Error) => thrown);
    assert.ok(error instanceof Error);
    assert.ok(!error.message.includes('geheim'), error.message);
    return error.message.replace(/127\.0\.0\.1:\d+/, 'HOST');
  };
  const from = 'no token from http://HOST/token?…: ';
  assert.equal(await failure({ body: '{}' }), `${from}it answers 200 without access_token`);
  assert.equal(await failure({ body: 'null' }), `${from}it answers 200 without access_token`);
  assert.equal(await failure({ status: 503, body: '<html>' }), `${from}it answers 503`);
  assert.equal(
    await failure({ status: 400, body: '{"error":"invalid_scope","error_description":"geheim-7"}' }),
    `${from}it answers 400 (invalid_scope); check client_id, client_secret and scope in log.sasl.oauthbearer`,
  );
  assert.match(await failure({ body: '{"access_token":"a\\nb"}' }), /^the access_token of .* has characters that a/);
  assert.match(
    await failure({ body: 'x'.repeat(1_100_000) }),
    /the answer has more than 1048576 bytes; check log\.sasl/,
  );
  const closed = settings({ token_endpoint: 'http://127.0.0.1:1/', client_id: 'a', client_secret: 'b' });
  await assert.rejects(
    new TokenSource(closed, new HandClock()).token(),
    /ECONNREFUSED.*; check log\.sasl\.oauthbearer\.tok/,
  );
});

test('an endpoint with TLS is verified by its own authority', async (t) => {
  const authority = new Authority(t);
  const { cert, key } = authority.issue({ name: 'id' });
  const server = createSecureServer({ cert, key }, (_, response) => response.end('{"access_token":"t"}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  const token_endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const given = settings({ token_endpoint, client_id: 'a', client_secret: 'b' });
  assert.equal(await new TokenSource({ ...given, ca: authority.file }, new HandClock()).token(), 't');
  await assert.rejects(
    new TokenSource(given, new HandClock()).token(),
    /(unable to verify|self-signed).*; name the authority that signed it in log\.sasl\.oauthbearer\.ca$/,
  );
  await assert.rejects(new TokenSource({ ...given, ca: '/nowhere' }, new HandClock()).token(), /ENOENT.*\/nowhere/);
});

test('a file is read for each authentication, a command once in half of what its token says, or 60 s', async (t) => {
  const clock = new HandClock();
  const file = join(folderOf(t), 'token');
  const fromFile = new TokenSource(settings({ token_file: file }), clock);
  await assert.rejects(fromFile.token(), /^Error: log\.sasl\.oauthbearer\.token_file cannot be read: ENOENT/);
  writeFileSync(file, 'one\n');
  assert.equal(await fromFile.token(), 'one');
  writeFileSync(file, 'two');
  assert.equal(await fromFile.token(), 'two');

  const runs = join(folderOf(t), 'runs');
  const counting = (token: string) => settings({ command: `echo >> ${runs}; echo ${token}` });
  const count = () => readFileSync(runs, 'utf8').length;
  const opaque = new TokenSource(counting('opaque'), clock);
  for (const [milliseconds, expected] of [
    [0, 1],
    [59_000, 1],
    [2_000, 2],
  ] as const) {
    clock.advance(milliseconds);
    assert.equal(await opaque.token(), 'opaque');
    assert.equal(count(), expected);
  }
  const lasting = new TokenSource(counting(tokenUntil(clock, 1_000)), clock);
  await lasting.token();
  clock.advance(490_000);
  await lasting.token();
  assert.equal(count(), 3);
  clock.advance(20_000);
  await lasting.token();
  assert.equal(count(), 4);
});

test('the settings of a mechanism are asked for, and those of another one refused', () => {
  const mistakes = (sasl: object) =>
    kafkaSchema.safeParse({ sasl }).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  const oauth = (oauthbearer: object) => mistakes({ mechanism: 'oauthbearer', oauthbearer });
  assert.equal(oauth({ command: ['aws-token'], extensions: { logicalCluster: 'lkc-1' } }), undefined);
  assert.equal(mistakes({ mechanism: 'plain', username: 'a', password: 'b' }), undefined);
  assert.deepEqual(mistakes({ mechanism: 'plain', username: 'a' }), ['sasl.password: plain needs it']);
  assert.deepEqual(mistakes({ mechanism: 'oauthbearer' }), ['sasl.oauthbearer: oauthbearer needs it']);
  assert.deepEqual(mistakes({ mechanism: 'oauthbearer', username: 'a', oauthbearer: { token_file: 'x' } }), [
    'sasl.username: oauthbearer does not use it',
  ]);
  const one = 'sasl.oauthbearer: expected one of token_endpoint, token_file and command';
  assert.deepEqual(oauth({}), [one]);
  assert.deepEqual(oauth({ token_file: 'a', command: 'b' }), [one]);
  assert.deepEqual(oauth({ token_endpoint: 'https://id.test/', client_id: 'a' }), [
    'sasl.oauthbearer.client_secret: token_endpoint needs it',
  ]);
  const extension = ': expected a name of letters other than auth, and printable text';
  assert.deepEqual(oauth({ command: 'a', extensions: { auth: 'x' } }), [
    `sasl.oauthbearer.extensions.auth${extension}`,
  ]);
  assert.deepEqual(oauth({ command: 'a', extensions: { ab: '\u0001' } }), [
    `sasl.oauthbearer.extensions.ab${extension}`,
  ]);
});
