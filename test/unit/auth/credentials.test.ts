import assert from 'node:assert/strict';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { test } from 'node:test';
import type { Credentials } from '../../../src/core/identity.ts';
import { repeatedIn } from '../../../src/core/repeated.ts';
import { HandClock } from '../core/hand-clock.ts';
import { authOf, claimsOf, resultOf, SECRET, tokenOf } from './rig.ts';

const TOKEN = tokenOf({ alg: 'HS256' }, { sub: 'ada' }, SECRET);
const JWT = { secret: SECRET, algorithms: ['HS256'] };
const EVERYWHERE = ['header', 'protocol', { query: 'access_token' }, { cookie: 'session' }];

const shows = (headers: IncomingHttpHeaders, query: Record<string, string> = {}): Credentials => ({ headers, query });
const PLACES: Readonly<Record<string, Credentials>> = {
  header: shows({ authorization: `Bearer ${TOKEN}` }),
  protocol: shows({ 'sec-websocket-protocol': `tidegate.v1, bearer.${TOKEN}` }),
  query: shows({}, { access_token: TOKEN }),
  cookie: shows({ cookie: `theme=dark; session=${TOKEN}` }),
};

test('a token counts at the places that the entry names, and only there', async (t) => {
  for (const place of EVERYWHERE) {
    const name = typeof place === 'string' ? place : Object.keys(place).join();
    const { authenticator } = await authOf(t, { jwt: JWT, token: [place] });
    for (const [where, credentials] of Object.entries(PLACES)) {
      const result = resultOf(await authenticator.identify(credentials));
      assert.equal(result, where === name ? 'accepted' : 'token_missing', `${where} for ${name}`);
    }
  }
  const { authenticator } = await authOf(t, { jwt: JWT });
  assert.equal(resultOf(await authenticator.identify(shows({ authorization: `bEARER  ${TOKEN}` }))), 'accepted');
});

test('a wrong token is a line a minute for each reason, with an address; a missing one is no line', async (t) => {
  const clock = new HandClock();
  const { authenticator, kept } = await authOf(t, { jwt: { ...JWT, audience: 'tidegate' } }, clock);
  const forged = shows({ authorization: `Bearer ${TOKEN.slice(0, -8)}AAAAAAAA` });
  for (const credentials of [shows({}), PLACES.header, PLACES.header, forged])
    await authenticator.identify({ ...(credentials ?? shows({})), address: '192.0.2.7' });
  clock.advance(60_000);
  await authenticator.identify(PLACES.header ?? shows({}));
  const about = 'auth.users: a client is refused: the token is for another audience; compare aud of their tokens with';
  assert.deepEqual(kept.warnings(), [
    `${about} jwt.audience`,
    'auth.users: a client is refused: the signature of the token is wrong; their tokens are forged, or of an issuer with other keys; compare iss and kid with the keys of jwt',
    `${about} jwt.audience; 2 were refused since the last such line`,
  ]);
  assert.ok(JSON.stringify(kept.lines[0]).includes('"address":"192.0.2.7"'), JSON.stringify(kept.lines[0]));
});

test('a client that shows two tokens is refused, also where both are the same', async (t) => {
  const { authenticator } = await authOf(t, { jwt: JWT, token: EVERYWHERE });
  const all = Object.entries(PLACES);
  for (const [one, first] of all)
    for (const [other, second] of all) {
      if (one === other) continue;
      const both = shows({ ...first.headers, ...second.headers }, { ...first.query, ...second.query });
      assert.equal(resultOf(await authenticator.identify(both)), 'several_credentials', `${one} and ${other}`);
    }
  const twice: IncomingHttpHeaders[] = [
    { cookie: `session=${TOKEN}; session=x` },
    { 'sec-websocket-protocol': `bearer.${TOKEN},bearer.${TOKEN}` },
  ];
  for (const headers of twice)
    assert.equal(resultOf(await authenticator.identify(shows(headers))), 'several_credentials');
});

test('a header or parameter that comes twice is refused, whichever of its values is right', async (t) => {
  const { authenticator } = await authOf(t, { jwt: JWT, token: EVERYWHERE });
  const sent: [string, string[]][] = [
    ['/', [`Bearer ${TOKEN}`, 'Bearer x']],
    [`/?access_token=x&access_token=${TOKEN}`, []],
    [`/?access_token=${TOKEN}&a=1&access_token=x`, []],
    [`/?access_token=${TOKEN}&%61ccess_token=${TOKEN}`, []],
  ];
  for (const [url, authorization] of sent) {
    const request = { url, headersDistinct: authorization.length === 0 ? {} : { authorization } } as IncomingMessage;
    const query = Object.fromEntries(new URL(url, 'http://a').searchParams);
    const credentials = { ...shows({ authorization: authorization[0] }, query), repeated: repeatedIn(request) };
    assert.equal(resultOf(await authenticator.identify(credentials)), 'several_credentials', url);
  }
  const other = { authorization: false, parameters: ['a'] };
  assert.equal(
    resultOf(await authenticator.identify({ ...shows({}, { access_token: TOKEN }), repeated: other })),
    'accepted',
  );
});

test('what has not the form of a token is malformed, and other schemes are for others', async (t) => {
  const { authenticator } = await authOf(t, { jwt: JWT, token: EVERYWHERE });
  const rows: [Credentials, string][] = [
    [shows({}), 'token_missing'],
    [shows({ authorization: '' }), 'token_missing'],
    [shows({ authorization: 'Basic YTpi' }), 'token_missing'],
    [shows({ authorization: 'Digest x="y"' }), 'token_missing'],
    [shows({ authorization: 'Bearer' }), 'token_malformed'],
    [shows({ authorization: `Bearer ${TOKEN} ` }), 'token_malformed'],
    [shows({ authorization: `Bearer ${TOKEN},${TOKEN}` }), 'token_malformed'],
    [shows({ authorization: `Bearer "${TOKEN}"` }), 'token_malformed'],
    [shows({ 'sec-websocket-protocol': 'bearer.' }), 'token_malformed'],
    [shows({ 'sec-websocket-protocol': 'bearer' }), 'token_missing'],
    [shows({}, { access_token: '' }), 'token_malformed'],
    [shows({}, { Access_Token: TOKEN }), 'token_missing'],
    [shows({ cookie: `Session=${TOKEN}` }), 'token_missing'],
    [shows({ cookie: `session="${TOKEN}"` }), 'accepted'],
    [shows({ cookie: 'session' }), 'token_missing'],
  ];
  for (const [credentials, result] of rows)
    assert.equal(resultOf(await authenticator.identify(credentials)), result, JSON.stringify(credentials));
  assert.equal(
    resultOf(await authenticator.identify(shows({}, Object.create({ access_token: TOKEN })))),
    'token_missing',
  );
});

test('a subprotocol with a token is known as one where the entry looks there', async (t) => {
  const { authenticator } = await authOf(t, { jwt: JWT, token: ['protocol'] });
  assert.deepEqual(
    ['bearer.x', 'bearer', 'tidegate.v1'].map((name) => authenticator.isTokenProtocol(name)),
    [true, false, false],
  );
  const { authenticator: other } = await authOf(t, { jwt: JWT });
  assert.equal(other.isTokenProtocol('bearer.x'), false);
});

test('a refusal asks for what the entry takes (RFC 6750 3, RFC 7617 2)', async (t) => {
  const tokens = { ada: 'abcdefghijklmnopqrstuvwxyz' };
  const { authenticator } = await authOf(t, { bearer: { tokens }, basic: { ben: 'geheim' } });
  const challengeFor = async (headers: IncomingHttpHeaders) => {
    const identified = await authenticator.identify(shows(headers));
    assert.ok('refusal' in identified);
    const { status, reason, challenge } = identified.refusal;
    return [status, reason, challenge];
  };
  const basic = 'Basic realm="tidegate", charset="UTF-8"';
  assert.deepEqual(await challengeFor({}), [401, 'token_missing', `Bearer realm="tidegate", ${basic}`]);
  assert.deepEqual(await challengeFor({ authorization: 'Bearer nobodyknowsthistokenhere' }), [
    401,
    'token_unknown',
    `Bearer realm="tidegate", error="invalid_token", error_description="the token is not one of those that are accepted here", ${basic}`,
  ]);
  assert.deepEqual(await challengeFor({ authorization: `Basic ${btoa('ben:falsch')}` }), [
    401,
    'password_wrong',
    `Bearer realm="tidegate", ${basic}`,
  ]);
});

test('each method of an entry lets in by itself, and what is shown has to be right', async (t) => {
  const tokens = { robot: 'abcdefghijklmnopqrstuvwxyz' };
  const { authenticator } = await authOf(t, {
    jwt: JWT,
    bearer: { tokens },
    basic: { ben: 'geheim' },
    certificate: {},
  });
  const certificate = {
    subject: { CN: 'device 7' },
    valid_to: 'Jan  1 00:00:00 2999 GMT',
  } as Credentials['certificate'];
  const subOf = async (headers: IncomingHttpHeaders, withCertificate = false) => {
    const shown = { ...shows(headers), ...(withCertificate ? { certificate } : {}) } as Credentials;
    return claimsOf(await authenticator.identify(shown)).sub;
  };
  assert.equal(await subOf({ authorization: `Bearer ${TOKEN}` }), 'ada');
  assert.equal(await subOf({ authorization: 'Bearer abcdefghijklmnopqrstuvwxyz' }), 'robot');
  assert.equal(await subOf({ authorization: `Basic ${btoa('ben:geheim')}` }), 'ben');
  assert.equal(await subOf({}, true), 'device 7');
  assert.equal(await subOf({ authorization: `Bearer ${TOKEN}` }, true), 'ada', 'the token counts');
  const wrong = { ...shows({ authorization: `Bearer ${TOKEN}x` }), certificate } as Credentials;
  assert.equal(
    resultOf(await authenticator.identify(wrong)),
    'token_signature',
    'a certificate does not make up for it',
  );
});

test('nothing of a token or a password is in an answer, a line or a metric', async (t) => {
  const tokens = { robot: 'abcdefghijklmnopqrstuvwxyz' };
  const settings = {
    jwt: { ...JWT, issuer: 'me' },
    bearer: { tokens },
    basic: { ben: 'geheimgeheim' },
    token: EVERYWHERE,
  };
  const { authenticator, kept, stats } = await authOf(t, settings);
  const marks = ['leaked', encodeURIComponent('leaked'), Buffer.from('leaked').toString('base64url').slice(0, 6)];
  const signed = [
    tokenOf({ alg: 'HS256', kid: 'leaked' }, { iss: 'leaked' }, SECRET),
    tokenOf({ alg: 'HS256' }, { iss: 'me', exp: 1, sub: 'leaked' }, SECRET),
    tokenOf({ alg: 'HS256' }, { iss: 'me', aud: 'leaked', nbf: 1e10 }, SECRET),
    `${encoded('{"alg":"leaked"}')}.e30.AA`,
    'leaked',
    'leaked.leaked.leaked',
    `${encoded('{"leaked')}.e30.AA`,
  ];
  const answers = [];
  for (const token of signed) {
    answers.push(await authenticator.renew(token));
    for (const [place, { headers, query }] of Object.entries(PLACES)) {
      const moved = JSON.parse(JSON.stringify({ headers, query }).replaceAll(TOKEN, token)) as Credentials;
      const identified = await authenticator.identify(moved);
      assert.ok('refusal' in identified, place);
      answers.push(identified);
    }
  }
  answers.push(await authenticator.identify(shows({ authorization: `Basic ${btoa('leaked:leaked')}` })));
  answers.push(await authenticator.identify(shows({ authorization: `Basic ${btoa('ben:leaked')}` })));
  const said = JSON.stringify([answers, kept.lines, stats.snapshot()]);
  for (const mark of [...marks, SECRET.slice(0, 10), 'geheim', tokens.robot.slice(0, 10)])
    assert.ok(!said.includes(mark), `${mark} is in ${said.slice(0, 500)}`);
});

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url');
}
