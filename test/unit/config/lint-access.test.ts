import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, problemsOf, yaml } from './fixture.ts';

const JWT = 'jwt: { secret: "a secret of the test, 32 bytes or more", algorithms: [ HS256 ] }';
const AUTH = `auth: { users: { ${JWT} }, devices: { ${JWT} } }`;

/** The endpoint `rooms` of the fixture with more settings. */
const endpoint = (settings: string, path = '/ws', codec = 'envelope') =>
  `endpoints:\n  rooms: { listener: public, path: "${path}", codec: ${codec}, ${settings} }`;

/** Every mistake and warning of an endpoint with these settings. */
async function found(settings: string, { path = '/ws', codec = 'envelope', pipelines = '' } = {}): Promise<string[]> {
  const changes = {
    auth: AUTH,
    endpoints: endpoint(settings, path, codec),
    ...(codec === 'topics' ? { pipelines: '' } : pipelines === '' ? {} : { pipelines }),
  };
  const text = yaml(changes);
  const problems = await problemsOf(text);
  const all =
    problems.length > 0 ? problems : (await load(text)).warnings.filter(({ severity }) => severity === 'warning');
  return all.map(({ path: at, message }) => `${at}: ${message}`);
}

async function says(settings: string, pattern: RegExp, more: Parameters<typeof found>[1] = {}): Promise<void> {
  const all = await found(settings, more);
  assert.equal(all.length, 1, `${settings}: ${all.join('\n')}`);
  assert.match(all[0] ?? '', pattern);
}

test('an endpoint with identities has nothing wrong with it', async () => {
  const connect = 'connect: "${! \'a\' in auth.roles and auth.shop = meta.shop }"';
  assert.deepEqual(
    await found(`auth: users, allow: { ${connect} }, token_expiry: { grace: 10s }`, { path: '/{shop}' }),
    [],
  );
  const read = 'auth: users, allow: { read: "x.${! auth.tenant }.*", write: [ a, "${! auth.sub }" ], groups: "*" }';
  assert.deepEqual(await found(read, { codec: 'topics' }), []);
});

test('a name that is not under auth is a mistake, with what was probably meant', async () => {
  await says(
    'auth: user',
    /endpoints\.rooms\.auth: there is no entry of auth "user"; there are users, devices; did you mean "users"\?/,
  );
  const without = await problemsOf(yaml({ endpoints: endpoint('auth: users') }));
  assert.match(without[0]?.message ?? '', /the file has no auth/);
});

test('what would never be, or never mean anything, is a mistake', async () => {
  await says('token_expiry: { renew: false }', /token_expiry: this endpoint has no auth/);
  await says('allow: { connect: "${! auth.ok }" }', /allow\.connect: .* reads auth, and this endpoint has none/);
  await says('allow: { connect: "${! meta.auth.ok }" }', /reads auth, and this endpoint has none/);
  await says('auth: users, allow: { connect: "${! json.ok }" }', /reads json, which only messages have/);
  await says('auth: users, allow: { connect: "yes" }', /is true for everything/);
  await says('auth: users, allow: { write: [ a ] }', /allow\.write: write is for codecs whose clients/);
  await says('auth: users, allow: { kick: everyone }', /allow\.kick: kick is for codecs/);
  await says('auth: users, allow: {}', /allow: nothing is allowed here/);
  await says('auth: users', /a parameter may not be called auth/, { path: '/{auth}' });
  await says('allow: { read: [ a, "${! auth.x }" ] }', /allow\.read\[1\]: .* this endpoint has none/, {
    codec: 'topics',
  });
  await says('allow: { read: "${! auth.x" }', /has no \} that closes/, { codec: 'topics' });
  await says('auth: users, presence: { topic: t, name: me }', /all clients would be called "me"/, { codec: 'rooms' });
});

test('a meta that a client that connects does not have is a warning', async () => {
  await says('auth: users, allow: { connect: "${! meta.shp = 1 }" }', /no meta\.shp; did you mean "shop"/, {
    path: '/{shop}',
  });
});

test('auth in a pipeline is a warning where no client that it reads from has one', async () => {
  const pipeline = (source: string) =>
    `pipelines:\n  in: { source: { ${source} }, sink: { topic: { name: other, key: "\${! auth.sub }" } } }`;
  const both = `${pipeline('topic: { names: [ chat ], group: g }')}\n  more: { source: { endpoint: rooms }, sink: drop }`;
  const never = /key: the source of this pipeline never has auth/;
  await says('direction: both', never, { pipelines: pipeline('endpoint: rooms') });
  await says('auth: users', never, { pipelines: both });
  assert.deepEqual(await found('auth: users', { pipelines: pipeline('endpoint: rooms') }), []);
});
