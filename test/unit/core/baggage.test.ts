import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Baggage, hasBaggage } from '../../../src/core/baggage.ts';
import { ownText } from '../../../src/core/propagation.ts';
import type { TraceFormatName } from '../../../src/core/trace-format.ts';

/** The headers that fields become, and how often something was left out. */
function carried(fields: Readonly<Record<string, unknown>>, formats: readonly TraceFormatName[] = ['w3c']) {
  let dropped = 0;
  const baggage = new Baggage(formats, () => {
    dropped += 1;
  });
  return { headers: baggage.read(fields, ownText), dropped };
}

test('members are carried with their properties, without the spaces around them', () => {
  const { headers, dropped } = carried({ baggage: 'tenant=acme , user = a%20b;secret; ttl=3,' });
  assert.deepEqual([headers, dropped], [[['baggage', 'tenant=acme,user=a%20b;secret;ttl=3']], 0]);
  assert.deepEqual(carried({ baggage: '' }), { headers: [], dropped: 0 });
  assert.deepEqual(carried({}), { headers: [], dropped: 0 });
});

test('members that are malformed are left out, the others are carried', () => {
  for (const wrong of ['noequals', '=x', 'a b=1', 'a="x"', 'a=\u00e9', 'a=1\r\nb', 'a=1;b"', 'a=%', 'a=%ff'])
    assert.deepEqual(carried({ baggage: `${wrong},tenant=acme` }), {
      headers: [['baggage', 'tenant=acme']],
      dropped: 1,
    });
});

test('of several members with one key the last one is carried, and takes the place of the first', () => {
  const fields = { baggage: 'k=1,a=2,k=:;p' };
  assert.deepEqual(carried(fields, ['w3c', 'jaeger']), {
    headers: [
      ['baggage', 'k=:;p,a=2'],
      ['uberctx-k', ':'],
      ['uberctx-a', '2'],
    ],
    dropped: 0,
  });
  assert.deepEqual(carried({ baggage: `${'k=1,'.repeat(64)}a=2` }), { headers: [['baggage', 'k=1,a=2']], dropped: 0 });
});

test('64 members and 8,192 bytes are carried, and not one more', () => {
  const members = Array.from({ length: 65 }, (_, at) => `k${at}=v`);
  assert.deepEqual(carried({ baggage: members.slice(0, 64).join(',') }), {
    headers: [['baggage', members.slice(0, 64).join(',')]],
    dropped: 0,
  });
  assert.deepEqual(carried({ baggage: members.join(',') }), {
    headers: [['baggage', members.slice(0, 64).join(',')]],
    dropped: 1,
  });
  const fits = `a=${'x'.repeat(8_188)},b`;
  assert.equal(carried({ baggage: `a=${'x'.repeat(8_190)}` }).dropped, 0);
  assert.deepEqual(carried({ baggage: `a=${'x'.repeat(8_191)},c=1` }), { headers: [['baggage', 'c=1']], dropped: 1 });
  assert.deepEqual(carried({ baggage: `${fits}=` }).dropped, 1);
  assert.deepEqual(carried({ baggage: `a=1,b=${'x'.repeat(1_000_000)}` }), {
    headers: [['baggage', 'a=1']],
    dropped: 1,
  });
});

test('uberctx fields are members, percent-encoded or not, and are written in both formats', () => {
  const fields = { 'uberctx-tenant': 'a%20b', 'uberctx-plain': 'a b', 'uberctx-': 'x', 'uberctx-bad': '%', other: 'x' };
  const { headers, dropped } = carried(fields, ['jaeger', 'w3c']);
  assert.deepEqual(headers, [
    ['uberctx-tenant', 'a%20b'],
    ['uberctx-plain', 'a%20b'],
    ['baggage', 'tenant=a%20b,plain=a%20b'],
  ]);
  assert.equal(dropped, 1);
  assert.deepEqual(carried({ ...fields, baggage: 'x=1' }, ['w3c', 'b3', 'jaeger']).headers, [
    ['baggage', 'x=1'],
    ['uberctx-x', '1'],
  ]);
  assert.deepEqual(carried(fields).headers, []);
});

test('a message brings baggage of its own by either name', () => {
  assert.equal(hasBaggage([['a', 'x']]), false);
  assert.equal(hasBaggage([['baggage', null]]), true);
  assert.equal(hasBaggage([['uberctx-tenant', 'x']]), true);
});
