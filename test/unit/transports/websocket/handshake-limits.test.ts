import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { BucketRule } from '../../../../src/core/token-bucket.ts';
import { AddressQuotas } from '../../../../src/transports/websocket/address-quotas.ts';
import { Backlog } from '../../../../src/transports/websocket/backlog.ts';
import { HandshakeLimits, type ListenerLimits } from '../../../../src/transports/websocket/handshake-limits.ts';
import { HandClock } from '../../core/hand-clock.ts';

function limitsOf(limits: Partial<ListenerLimits>) {
  const clock = new HandClock();
  const handshakes = new HandshakeLimits('public', { per_address: {}, ...limits }, clock, () => 0.5);
  const sockets: PassThrough[] = [];
  const ask = (address: string) => {
    const socket = new PassThrough();
    sockets.push(socket);
    return handshakes.refusal(address, socket);
  };
  const close = async (index: number) => {
    sockets[index]?.destroy();
    await new Promise(setImmediate);
  };
  return { handshakes, clock, ask, close };
}

test('a listener lets in handshakes at its rate, and answers the rest with 429 and a time of their own', () => {
  const { ask, clock } = limitsOf({ handshakes: { count: 3, period: 1_000 } });
  const asked = ['a', 'b', 'c', 'd'].map((address) => ask(address));
  assert.deepEqual(
    asked.map((refusal) => refusal?.reason),
    [undefined, undefined, undefined, 'handshake_rate'],
  );
  assert.deepEqual([asked[3]?.status, asked[3]?.message], [429, 'listeners.public.limits.handshakes is reached']);
  assert.equal(asked[3]?.retryAfter, 2);
  clock.advance(334);
  assert.equal(ask('e'), undefined);
  assert.equal(ask('f')?.reason, 'handshake_rate');
});

test('an address over its rate takes nothing from the listener, and others are let in', () => {
  const { ask, clock } = limitsOf({
    handshakes: { count: 4, period: 1_000 },
    per_address: { handshakes: { count: 1, period: 1_000 } },
  });
  const greedy = Array.from({ length: 10 }, () => ask('192.0.2.1')?.reason);
  assert.deepEqual(greedy, [undefined, ...Array.from({ length: 9 }, () => 'address_handshakes')]);
  assert.deepEqual(
    ['192.0.2.2', '192.0.2.3', '192.0.2.4'].map((address) => ask(address)),
    [undefined, undefined, undefined],
  );
  clock.advance(1_000);
  assert.equal(ask('192.0.2.1'), undefined);
});

test('connections of an address count until their sockets close; an IPv6 network is one address', async () => {
  const { ask, close, handshakes } = limitsOf({ per_address: { connections: 2 } });
  assert.deepEqual([ask('2001:db8::1'), ask('2001:db8::2')], [undefined, undefined]);
  const refused = ask('2001:db8::3');
  assert.deepEqual(
    [refused?.reason, refused?.status, refused?.address],
    ['address_connections', 429, '2001:db8:0:0::/64'],
  );
  assert.equal(ask('2001:db8:0:1::1'), undefined);
  await close(0);
  assert.equal(ask('2001:db8::4'), undefined);
  assert.equal(ask('2001:db8::5')?.reason, 'address_connections');
  assert.equal(handshakes.size, 3);
});

test('a listener that is full answers 503 until a client has left', async () => {
  const { ask, close } = limitsOf({ connections: 2 });
  assert.deepEqual([ask('a'), ask('b')], [undefined, undefined]);
  assert.deepEqual([ask('c')?.reason, ask('c')?.status], ['listener_full', 503]);
  await close(1);
  assert.equal(ask('c'), undefined);
});

test('the table of addresses has a ceiling, forgets those that are silent, and keeps those that go on', () => {
  const quotas = new AddressQuotas(new BucketRule({ count: 1, period: 1_000 }), 100);
  for (let index = 0; index < 1_000; index++) {
    assert.equal(quotas.take(`a${index}`, 0), true);
    assert.equal(quotas.take('greedy', 0), index === 0);
  }
  assert.equal(quotas.size, 100);
  assert.equal(quotas.take('greedy', 999), false);
  for (let index = 0; index < 60; index++) quotas.take('new', 2_000 + index * 2_000);
  assert.equal(quotas.size, 1);
});

test('clients that were refused are spread over as long as it takes to let all of them in', () => {
  const random = { value: 0 };
  const backlog = new Backlog(100, () => random.value);
  assert.equal(backlog.retryAfter(0), 1);
  random.value = 0.999;
  assert.equal(backlog.retryAfter(0), 2);
  for (let index = 0; index < 1_000; index++) backlog.retryAfter(0);
  // 1,002 clients at 100 a second.
  assert.equal(backlog.retryAfter(0), 11);
  for (let index = 0; index < 100_000; index++) backlog.retryAfter(0);
  assert.equal(backlog.retryAfter(0), 60);
  assert.equal(backlog.retryAfter(10_000_000), 2);
});
