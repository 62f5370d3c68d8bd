import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Joining } from '../../../src/channels/subscribing/joining.ts';
import { Message } from '../../../src/core/message.ts';
import { NamePattern } from '../../../src/sdk/name-pattern.ts';

async function join(templates: readonly string[], meta: object, most = 10): Promise<readonly string[] | string> {
  const joining = new Joining('e', { join: templates.map((one) => new NamePattern(one)), max_per_connection: most });
  const joined = await joining.of(new Message(Buffer.alloc(0), { meta: { ...meta } }));
  return 'refusal' in joined ? `${joined.refusal.status} ${joined.refusal.reason}` : joined.channels;
}

test('a connection joins what its claims, path, query and headers say, each channel once', async () => {
  const meta = { auth: { sub: 'ada', n: 7 }, symbol: 'ACME', query: { q: 'x' }, headers: { h: 'y' } };
  const templates = ['user.${! auth.sub }', 'n.${! auth.n }', 's.${! meta.symbol }', '${! meta.query.q }', 'x'];
  assert.deepEqual(await join([...templates, 'h.${! meta.headers.h }'], meta), [
    ...['user.ada', 'n.7', 's.ACME', 'x', 'h.y'],
  ]);
});

test('an expression alone may give a list of names', async () => {
  assert.deepEqual(await join(['${! auth.channels }'], { auth: { channels: ['a', 'b', 'a'] } }), ['a', 'b']);
  assert.deepEqual(await join(["${! auth.tenants.('tenant.' & $) }"], { auth: { tenants: ['a', 'b'] } }), [
    ...['tenant.a', 'tenant.b'],
  ]);
});

test('a client for which a value is missing, empty or no text is refused', async () => {
  for (const sub of [undefined, null, '', {}, true, '*', 'a*', ['a']])
    assert.equal(await join(['user.${! auth.sub }'], { auth: { sub } }), '403 channel_missing', JSON.stringify(sub));
  assert.equal(await join(['a', 'user.${! auth.sub }'], {}), '403 channel_missing');
  assert.equal(await join(['${! $number(auth.sub) }'], { auth: { sub: 'x' } }), '403 channel_missing');
});

test('a value that makes no name of a channel, or one of a connection, is refused', async () => {
  for (const sub of ['a\nb', 'a'.repeat(300), '\u200b', '\u3164', 'a\u2800'])
    assert.equal(await join(['user.${! auth.sub }'], { auth: { sub } }), '403 channel_invalid');
  assert.equal(await join(['${! meta.query.c }'], { query: { c: 'client.7' } }), '403 channel_invalid');
  assert.equal(await join(['${! auth.list }'], { auth: { list: ['a', 7] } }), '403 channel_invalid');
});

test('more channels than a connection may be in are refused', async () => {
  assert.equal(await join(['${! auth.list }'], { auth: { list: ['a', 'b', 'c'] } }, 2), '403 channel_limit');
  assert.deepEqual(await join(['${! auth.list }', 'a'], { auth: { list: ['a', 'b'] } }, 2), ['a', 'b']);
});
