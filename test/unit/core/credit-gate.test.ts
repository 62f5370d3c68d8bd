import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreditGate } from '../../../src/core/credit-gate.ts';

function gateOf(messages: number, bytes: number, low?: number) {
  const changes: boolean[] = [];
  const limits = low === undefined ? { messages, bytes } : { messages, bytes, low };
  return { changes, gate: new CreditGate(limits, (open) => changes.push(open)) };
}

test('a gate shuts when its high mark of messages is reached and opens at the low mark', () => {
  const { gate, changes } = gateOf(10, 1_000);
  gate.take(9, 9);
  assert.equal(gate.isOpen, true);
  gate.take(1, 1);
  assert.equal(gate.isOpen, false);
  gate.give(4, 4);
  assert.equal(gate.isOpen, false);
  gate.give(1, 1);
  assert.equal(gate.isOpen, true);
  assert.deepEqual(changes, [false, true]);
});

test('a gate shuts by bytes alone, and opens only when both counts are low', () => {
  const { gate, changes } = gateOf(10, 100, 0.2);
  gate.take(4, 100);
  assert.deepEqual(changes, [false]);
  gate.give(1, 90);
  assert.equal(gate.isOpen, false);
  gate.give(1, 5);
  assert.deepEqual(changes, [false, true]);
});

test('a closed gate still takes what a source had read already, and reports nothing twice', () => {
  const { gate, changes } = gateOf(2, 1_000);
  gate.take(5, 5);
  gate.take(5, 5);
  assert.deepEqual([gate.messages, gate.bytes], [10, 10]);
  gate.give(9, 9);
  gate.give(1, 1);
  assert.deepEqual(changes, [false, true]);
});

test('a gate of one message opens when that one is given back', () => {
  const { gate, changes } = gateOf(1, 1_000);
  gate.take(1, 300);
  gate.give(1, 300);
  assert.deepEqual(changes, [false, true]);
});
