import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Listener } from '../../../src/actors/listener/listener.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { keptLogger } from './rig.ts';

function setUp(listen: () => Promise<number>) {
  const orders: string[] = [];
  const server = {
    listen: () => {
      orders.push('listen');
      return listen();
    },
    stopAccepting: () => {
      orders.push('stop accepting');
    },
    close: () => {
      orders.push('close');
    },
  };
  const listener = new Listener('public', server, keptLogger().logger);
  return { listener, orders, state: () => listener.actor.getSnapshot().value };
}

test('a listener knows its port once it is bound', async () => {
  const { listener, state } = setUp(async () => 4_711);
  const opening = listener.open();
  assert.deepEqual([state(), listener.isListening], ['binding', false]);
  await opening;
  assert.deepEqual([listener.port, listener.isListening], [4_711, true]);
});

test('a port that cannot be bound rejects with the reason of the server', async () => {
  const taken = new TidegateError('TG_LISTEN_FAILED', 'the port 80 is taken');
  const { listener, state } = setUp(async () => {
    throw taken;
  });
  await assert.rejects(listener.open(), taken);
  assert.equal(state(), 'failed');
  listener.drain();
  listener.close();
});

test('a listener that drains takes no new sockets, and closing it afterwards does no harm', async () => {
  const { listener, orders, state } = setUp(async () => 1);
  await listener.open();
  listener.drain();
  assert.deepEqual([orders, state()], [['listen', 'stop accepting'], 'draining']);
  listener.close();
  listener.close();
  assert.deepEqual([orders, state()], [['listen', 'stop accepting', 'close'], 'closed']);
});
