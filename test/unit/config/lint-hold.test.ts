import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type HeldTest, lintHold } from '../../../src/config/lint/lint-hold.ts';
import type { FaultStep } from '../../../src/config/schema/forall-schema.ts';
import { holdSchema } from '../../../src/config/schema/hold-schema.ts';

interface Case {
  readonly hold: readonly unknown[];
  readonly faults?: readonly FaultStep[];
  readonly deadLetter?: string;
  readonly isExactlyOnce?: boolean;
  readonly skip?: boolean;
}

/** Places and mistakes of `hold`. */
function mistakes({ hold, faults = [], deadLetter, isExactlyOnce = false, skip = false }: Case): string[] {
  const backoff = { initial: 100, max: 10_000 };
  const onError = { retries: 5, backoff, dead_letter: deadLetter, skip };
  const pipeline: HeldTest['pipeline'] = { exactly_once: isExactlyOnce, on_error: onError };
  const test: HeldTest = { faults, hold: holdSchema.parse(hold), pipeline };
  return lintHold(test, ['tests', 0, 'hold']).map(({ path, message }) => `${path.join('.')} ${message}`);
}

suite('what hold cannot promise', () => {
  for (const fault of ['crash', 'duplicate'] as const)
    test(`no_duplicates does not hold with ${fault}, but in transactions it does`, () => {
      const [mistake, ...more] = mistakes({ hold: ['no_loss', 'no_duplicates'], faults: ['late', fault] });
      assert.match(mistake ?? '', new RegExp(`^tests.0.hold.1 no_duplicates cannot hold with the fault ${fault}: `));
      assert.deepEqual(more, []);
      assert.deepEqual(mistakes({ hold: ['no_duplicates'], faults: [fault], isExactlyOnce: true }), []);
    });

  test('no_duplicates holds with faults that repeat nothing', () => {
    assert.deepEqual(
      mistakes({ hold: ['no_duplicates'], faults: ['sink_refuses', 'late', 'link_down', 'link_up'] }),
      [],
    );
  });

  test('what is skipped is lost, unless it becomes a dead letter', () => {
    const [mistake] = mistakes({ hold: ['no_loss'], skip: true });
    assert.match(mistake ?? '', /^tests.0.hold.0 no_loss cannot hold with on_error.skip: true/);
    assert.deepEqual(mistakes({ hold: ['no_loss'], skip: true, deadLetter: 'orders.dlt' }), []);
  });

  test('dead letters of the fault sink_refuses have a code of their own', () => {
    const only = (codes: string | string[], faults: FaultStep[] = ['sink_refuses']) =>
      mistakes({ hold: [{ dead_letters_only_for: codes }], faults, deadLetter: 'orders.dlt' });
    assert.match(only('TG_MESSAGE_INVALID')[0] ?? '', /cannot hold with the fault sink_refuses/);
    assert.deepEqual(only(['TG_MESSAGE_INVALID', 'TG_RECORD_REFUSED']), []);
    assert.deepEqual(only('TG_MESSAGE_INVALID', ['crash']), []);
  });

  test('without a dead-letter topic nothing can be wrong about dead letters', () => {
    const [mistake] = mistakes({ hold: [{ dead_letters_only_for: 'TG_MESSAGE_INVALID' }] });
    assert.match(mistake ?? '', /dead_letters_only_for can never fail: the pipeline has no on_error.dead_letter/);
  });
});
