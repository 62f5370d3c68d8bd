import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { Guard } from '../../../src/admin/guard.ts';
import { authOf } from '../auth/rig.ts';

const TOKEN = 'a-token-of-some-length-0123456789';

const from = (remoteAddress: string | undefined, headers: object = {}, url = '/') =>
  ({ socket: { remoteAddress }, headers, headersDistinct: {}, url }) as unknown as IncomingMessage;

test('without an entry of auth, a guard lets in the own machine alone, or everyone', async () => {
  const local = new Guard('admin', undefined, 'loopback');
  for (const address of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])
    assert.equal(await local.refusal(from(address)), undefined, address);
  for (const address of ['10.0.0.1', '::ffff:10.0.0.1', '::2', '', undefined, '127.0.0.1.evil', 'fe80::127.0.0.1']) {
    const refusal = await local.refusal(from(address));
    assert.deepEqual([refusal?.status, refusal?.reason], [403, 'remote'], address);
    assert.match(refusal?.message ?? '', /while admin\.auth is not set$/);
  }
  assert.equal(await new Guard('connect', undefined, 'everyone').refusal(from('10.0.0.1')), undefined);
});

test('where operators are asked, the own machine is asked as well', async (t) => {
  const { authenticator } = await authOf(t, { bearer: { tokens: { ada: TOKEN } }, token: ['header', { query: 't' }] });
  for (const openTo of ['loopback', 'everyone'] as const) {
    const guard = new Guard('admin', authenticator, openTo);
    for (const address of ['127.0.0.1', '10.0.0.1']) {
      const refusal = await guard.refusal(from(address));
      assert.deepEqual([refusal?.status, refusal?.reason], [401, 'token_missing']);
      assert.match(refusal?.challenge ?? '', /^Bearer realm=/);
      assert.equal(await guard.refusal(from(address, { authorization: `Bearer ${TOKEN}` })), undefined);
      assert.equal(await guard.refusal(from(address, {}, `/x?a=1&t=${TOKEN}`)), undefined);
    }
  }
});
