import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { forallSchema } from '../../../../src/config/schema/forall-schema.ts';
import { holdSchema } from '../../../../src/config/schema/hold-schema.ts';
import type { Observed } from '../../../../src/testing/forall/observed.ts';
import type { InputStep } from '../../../../src/testing/forall/plan.ts';
import { type ForallTest, runForall } from '../../../../src/testing/forall/run-forall.ts';

const ORDER = {
  type: 'object',
  required: ['total'],
  properties: { total: { type: 'integer' }, note: { type: 'string' } },
};

function aTest(forall: object, hold: readonly unknown[]): ForallTest {
  return {
    name: 'nothing is lost, whatever comes',
    pipeline: 'orders-in',
    forall: forallSchema.parse({ schema: ORDER, seed: 7, ...forall }),
    hold: holdSchema.parse(hold),
  };
}

type Stored = (message: Readonly<Record<string, unknown>>, at: number, steps: readonly InputStep[]) => boolean;

/** A pipeline that acks everything, and stores of it what `isStored` says, as it came. */
function pipelineThatStores(isStored: Stored) {
  return async (steps: readonly InputStep[]): Promise<Observed> => {
    const messages = steps.flatMap((step) => ('message' in step ? [step.message] : []));
    const inputs = messages.map((message) => ({
      message,
      outcome: 'stored' as const,
      settledTimes: 1,
      isCut: false,
      isSettledEarly: false,
      isDropped: false,
    }));
    const outputs = messages.flatMap(({ json, key }, origin) => {
      if (!isStored((json ?? {}) as Record<string, unknown>, origin, steps)) return [];
      const payload = Buffer.from(JSON.stringify(json));
      return [{ topic: 'orders', isDeadLetter: false, payload, key: key?.toString(), headers: {}, origin }];
    });
    return { inputs, outputs, batches: [], isAggregating: false, isFromTopics: false };
  };
}

const options = (isStored: Stored) => ({ run: pipelineThatStores(isStored), directory: '.' });

suite('forall', () => {
  test('a pipeline that keeps to its invariants passes all runs', async () => {
    const result = await runForall(
      aTest({ runs: 50 }, ['no_loss', '${! output.total = input.total }']),
      options(() => true),
    );
    assert.deepEqual(result, { isHeld: true, seed: 7, runs: 50 });
  });

  test('the smallest message that is lost is printed as an entry of tests', async () => {
    const { isHeld, failure } = await runForall(
      aTest({}, ['no_loss']),
      options(({ total }) => (total as number) > -3),
    );
    assert.equal(isHeld, false);
    assert.match(
      failure?.sentence ?? '',
      /^run \d+ of 100, made smaller \d+ times \(seed 7\): no_loss: message 1 \(\{"total":-3\}, key k1\) was acked as stored, and is in no output$/,
    );
    assert.equal(
      failure?.entry,
      `  - name: nothing is lost, whatever comes (seed 7)
    pipeline: orders-in
    input:
      - { json: { total: -3 }, key: k1 }
    hold: [ no_loss ]`,
    );
  });

  test('faults and pauses stay in the entry where the failure needs them, and only there', async () => {
    const needs = (steps: readonly InputStep[]) => {
      const crash = steps.findIndex((step) => 'fault' in step && step.fault === 'crash');
      return crash >= 0 && steps.slice(crash).some((step) => 'after' in step && step.after >= 1_000);
    };
    const { failure } = await runForall(
      aTest({ faults: ['crash', 'late'], time: '5s' }, ['no_loss']),
      options((_, at, steps) => at > 0 || !needs(steps)),
    );
    const [, body] = failure?.entry?.split('    input:\n') ?? [];
    assert.match(
      body ?? '',
      /^( {6}- \{ (json: \{ total: 0 \}, key: k1|fault: crash|after: 1s) \}\n){3} {4}hold: \[ no_loss \]$/,
    );
  });

  test('the same seed gives the same verdict; one that is given counts more than that of the test', async () => {
    const of = (seed?: number) =>
      runForall(aTest({}, ['no_loss']), {
        ...options(({ total }) => (total as number) < 99),
        ...(seed === undefined ? {} : { seed }),
      });
    const first = await of();
    assert.deepEqual(await of(), first);
    assert.equal((await of(8)).seed, 8);
  });

  test('an expression that no run had an output for could not fail, and is refused', async () => {
    const { isHeld, failure } = await runForall(
      aTest({ runs: 5 }, ['settles_once', '${! output.total >= 0 }']),
      options(() => false),
    );
    assert.equal(isHeld, false);
    assert.equal(
      failure?.sentence,
      'none of the 5 runs had an output, so "${! output.total >= 0 }" could not fail; check the schema and the processors',
    );
  });

  const unusable: readonly (readonly [title: string, schema: unknown, mistake: RegExp])[] = [
    [
      'limits that leave nothing',
      { type: 'object', required: ['a'], properties: { a: { type: 'integer', minimum: 5, maximum: 3 } } },
      /^no message fits the schema: #\/properties\/a: minimum 5 and maximum 3 leave no number; change this part/,
    ],
    [
      'a part without a value',
      { type: 'object', required: ['a'], properties: { a: false } },
      /#\/properties\/a: the schema false allows no value/,
    ],
    [
      'a message without an end',
      {
        $ref: '#/$defs/n',
        $defs: { n: { type: 'object', required: ['next'], properties: { next: { $ref: '#/$defs/n' } } } },
      },
      /#\/\$defs\/n: it refers to itself without an end/,
    ],
    [
      'lists that exclude each other',
      { enum: ['a', 'b'], not: { type: 'string' } },
      /#: none of the values that it lists fits the rest of it/,
    ],
    [
      'what no value of 1000 fits',
      { type: 'object', required: ['a'], properties: { a: { type: 'integer', not: { type: 'integer' } } } },
      /#\/properties\/a: of 1000 values none fits: \/ must NOT be valid/,
    ],
    [
      'types that exclude each other',
      { allOf: [{ type: 'string' }, { type: 'integer' }] },
      /#: its parts allow no value together/,
    ],
    [
      'a pattern that has no texts',
      { type: 'string', pattern: '^(?=a)b$' },
      /#: no texts can be made for the pattern|the schema cannot be used/,
    ],
    ['a reference to nothing', { $ref: '#/$defs/none' }, /the schema cannot be used|does not lead to a place/],
    ['a schema with a slip', { type: 'object', propertys: {} }, /the schema cannot be used: .*propertys/],
    ['too many items', { type: 'array', minItems: 3, maxItems: 2 }, /#: minItems 3 is above maxItems 2/],
    ['a file that is not there', './none.json', /^the schema .*none\.json cannot be read/],
  ];
  for (const [title, schema, mistake] of unusable) {
    test(`says what is wrong with the schema: ${title}`, async () => {
      const running = runForall(
        aTest({ schema }, ['no_loss']),
        options(() => true),
      );
      await assert.rejects(running, (error: Error & { code?: string }) => {
        assert.match(error.message, mistake);
        assert.equal(error.code, 'TG_CONFIG_INVALID');
        return true;
      });
    });
  }

  test('keys are computed from the message, and headers drawn from their values', async () => {
    const seen: unknown[] = [];
    const run = pipelineThatStores(() => true);
    await runForall(aTest({ keys: '${! json.total }', headers: { tenant: ['x', 'y'] }, runs: 20 }, ['no_loss']), {
      directory: '.',
      run: (steps) => {
        for (const step of steps)
          if ('message' in step) {
            const { json, key, headers } = step.message;
            assert.equal(key, String((json as { total: number }).total));
            seen.push((headers as Record<string, string>).tenant);
          }
        return run(steps);
      },
    });
    assert.deepEqual([...new Set(seen)].sort(), ['x', 'y']);
  });

  test('a share of the messages breaks the schema where that is asked for', async () => {
    let [broken, all] = [0, 0];
    const run = pipelineThatStores(() => true);
    await runForall(aTest({ invalid: 0.5, runs: 100 }, ['settles_once']), {
      directory: '.',
      run: (steps) => {
        for (const step of steps)
          if ('message' in step) {
            all += 1;
            const { json } = step.message as { json?: { total?: unknown } };
            if (!Number.isInteger(json?.total)) broken += 1;
          }
        return run(steps);
      },
    });
    assert.ok(broken > all * 0.2 && broken < all * 0.7, `${broken} of ${all}`);
  });
});
