import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dispatch } from '../../../src/actors/consumer-group/dispatch.ts';
import { UnconfirmedBudget } from '../../../src/actors/consumer-group/unconfirmed-budget.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';

const LIMIT = 1_048_576;

test('a partition that is taken away by a rebalance leaves its share to the others', () => {
  const budget = new UnconfirmedBudget(LIMIT);
  const dispatch = new Dispatch({
    driver: () => undefined,
    budget,
    logger: createLogger({ level: 'silent' }),
    deserted: () => {},
    quiet: () => {},
  });
  const places = Array.from({ length: 16 }, (_, partition) => ({ topic: 't', partition }));
  // The half that all share is used up: what a partition may hold is its own part of the other half.
  budget.change(LIMIT / 2);
  for (let rebalance = 0; rebalance < 3; rebalance += 1) {
    dispatch.assign(places, []);
    assert.equal(budget.share, LIMIT / 2 / 16);
    dispatch.assign(places.slice(0, 8), places.slice(8));
    assert.equal(budget.share, LIMIT / 2 / 8);
  }
  // Taken away and given back in one rebalance: it is not another one.
  dispatch.assign(places.slice(0, 8), places.slice(0, 4));
  assert.equal(budget.share, LIMIT / 2 / 8);
  dispatch.assign([], places);
  budget.add();
  assert.equal(budget.share, 65_536);
});
