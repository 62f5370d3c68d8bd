import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchRoute, parameterProblem, parseRoute } from '../../../../src/transports/websocket/route.ts';

const match = (path: string, pathname: string) => matchRoute(parseRoute(path), pathname);

test('a path without parameters is itself, with or without a slash behind it', () => {
  for (const pathname of ['/ws', '/ws/', '/%77s']) assert.deepEqual(match('/ws', pathname), { params: {} });
  for (const pathname of ['/', '/w', '/wss', '/ws/x', '/WS', '//ws', '/ws//'])
    assert.equal(match('/ws', pathname), undefined, pathname);
});

test('the root is a path, too', () => {
  assert.deepEqual(match('/', '/'), { params: {} });
  assert.equal(match('/', '/ws'), undefined);
});

test('a parameter is a whole segment, percent-decoded', () => {
  for (const [pathname, username] of [
    ['/chat/Ann', 'Ann'],
    ['/chat/Ann/', 'Ann'],
    ['/chat/%20Ann%20', ' Ann '],
    ['/chat/a%2Fb', 'a/b'],
    ['/chat/Cl%C3%A9o', 'Cléo'],
    ['/chat/%25', '%'],
    ['/chat/+', '+'],
    ['/chat/{username}', '{username}'],
  ] as const)
    assert.deepEqual(match('/chat/{username}', pathname), { params: { username } });
});

test('a last parameter may be empty where the path ends with a slash; another one may be, too', () => {
  assert.deepEqual(match('/chat/{username}', '/chat/'), { params: { username: '' } });
  assert.deepEqual(match('/{room}/{username}', '/lobby/'), { params: { room: 'lobby', username: '' } });
  assert.deepEqual(match('/{room}/ws', '//ws'), { params: { room: '' } });
});

test('no parameter at all is another path', () => {
  for (const pathname of ['/chat', '/', '/chat/a/b', '/cha/a'])
    assert.equal(match('/chat/{username}', pathname), undefined);
});

test('a parameter that is not percent-encoded UTF-8 is explained to the client', () => {
  for (const broken of ['%', '%2', '%zz', '%FF', '%C3', '%ED%A0%80', 'a%80b'])
    assert.deepEqual(match('/chat/{username}', `/chat/${broken}`), {
      params: {},
      problem: 'username in the path is not percent-encoded UTF-8',
    });
});

test('what can be read is there beside what cannot', () => {
  assert.deepEqual(match('/{room}/{username}', '/lobby/%FF'), {
    params: { room: 'lobby' },
    problem: 'username in the path is not percent-encoded UTF-8',
  });
});

test('a broken segment where no pattern has one makes it another path', () => {
  assert.equal(match('/ws', '/%FF'), undefined);
  assert.equal(match('/chat/{username}', '/%FF/Ann'), undefined);
});

test('any text comes through as it was', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 });
  fc.assert(
    fc.property(text, (username) => {
      assert.deepEqual(match('/chat/{username}', `/chat/${encodeURIComponent(username)}`), { params: { username } });
    }),
  );
});

test('a star is any path at all', () => {
  for (const pathname of ['/', '/ws', '/a/b', '/%FF', '//']) assert.deepEqual(match('*', pathname), { params: {} });
});

test('a path that cannot be is refused with the reason', () => {
  assert.throws(() => parseRoute('ws'), /"ws" must begin with \//);
  for (const path of ['/chat/{username', '/chat/user-{name}', '/chat/{}', '/chat/{a b}', '/chat/}'])
    assert.throws(() => parseRoute(path), /a parameter fills a whole segment, such as \/chat\/\{username\}/, path);
});

test('a parameter may have a name that every object has', () => {
  const { params } = match('/{constructor}/{__proto__}', '/a/b') ?? assert.fail('no match');
  assert.deepEqual(Object.entries(params), [
    ['constructor', 'a'],
    ['__proto__', 'b'],
  ]);
});

const problemOf = (pathname: string) => parameterProblem(match('/devices/{id}', pathname) ?? { params: {} });

test('a parameter that names something has something to be seen, and no control characters', () => {
  for (const id of ['', '%20', '%C2%A0%20', '%E2%80%8B', '%E2%80%8D', '%EF%B8%8F', '%E2%A0%80', '%E3%85%A4'])
    assert.equal(problemOf(`/devices/${id}`), 'id in the path has no printable character', id);
  for (const id of ['%00', '%00%0A', 'a%0Ab', 'a%7F', '%C2%9B1', '%E2%80%A8', 'a%E2%80%A9'])
    assert.equal(problemOf(`/devices/${id}`), 'id in the path has control characters', id);
  assert.equal(problemOf('/devices/%FF'), 'id in the path is not percent-encoded UTF-8');
  for (const id of ['7', '%20a', 'a%2Fb', '%E5%A4%A7', '%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB', '-', '%25'])
    assert.equal(problemOf(`/devices/${id}`), undefined, id);
});

test('each parameter counts, wherever it is in the path', () => {
  assert.match(parameterProblem(match('/{room}/ws', '//ws') ?? { params: {} }) ?? '', /^room in the path/);
  assert.equal(parameterProblem(match('*', '//') ?? { params: {} }), undefined);
});
