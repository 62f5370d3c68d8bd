/** Machines of connections share what they begin with, and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor } from 'xstate';
import { type ConnectionControl, connectionMachine } from '../../../../src/actors/endpoint/connection-machine.ts';

function controlOf(isAdmitted: boolean, orders: string[]): ConnectionControl {
  const order = (name: string) => () => void orders.push(name);
  const close = (code: number) => void orders.push(`close ${code}`);
  const [admitted, hold, drain, release, gone] = ['admitted', 'hold', 'drain', 'release', 'gone'].map(order);
  return { isAdmitted, isAnswered: true, close, admitted, hold, drain, release, gone } as ConnectionControl;
}

function started(isAdmitted: boolean) {
  const orders: string[] = [];
  const control = controlOf(isAdmitted, orders);
  return { control, orders, actor: createActor(connectionMachine, { input: { control } }).start() };
}

test('each connection begins by whether it is let in at once, whatever others did before it', () => {
  for (const isAdmitted of [true, false, true, false]) {
    const { actor, control, orders } = started(isAdmitted);
    const snapshot = actor.getSnapshot();
    assert.deepEqual(snapshot.value, { [isAdmitted ? 'serving' : 'joining']: 'reading' });
    assert.equal(snapshot.context.control, control);
    assert.equal(snapshot.status, 'active');
    actor.send({ type: 'HOLD' });
    actor.send({ type: 'GONE' });
    assert.deepEqual(orders, ['hold', 'gone']);
  }
});

test('what one connection does changes nothing of another that began in the same state', () => {
  const [one, other] = [started(true), started(true)];
  one.actor.send({ type: 'CLOSE', code: 1008, reason: 'no' });
  assert.deepEqual(one.orders, ['close 1008']);
  assert.deepEqual(other.actor.getSnapshot().value, { serving: 'reading' });
  other.actor.send({ type: 'HOLD' });
  assert.deepEqual([one.orders, other.orders], [['close 1008'], ['hold']]);
});

test('what connections share keeps none of them', () => {
  const { actor } = started(true);
  const { children, tags, _nodes } = actor.getSnapshot() as unknown as Record<string, unknown>;
  const next = started(true).actor.getSnapshot() as unknown as Record<string, unknown>;
  assert.deepEqual([next.children === children, next.tags === tags, next._nodes === _nodes], [true, true, true]);
  assert.notEqual(next.context, actor.getSnapshot().context);
});
