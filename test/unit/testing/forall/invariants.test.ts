import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { holdSchema } from '../../../../src/config/schema/hold-schema.ts';
import { judgesOf, violationIn } from '../../../../src/testing/forall/judges.ts';
import type { Observed, ObservedInput, ObservedOutput } from '../../../../src/testing/forall/observed.ts';

const input = (json: unknown, more: Partial<ObservedInput> = {}): ObservedInput => ({
  message: { json },
  outcome: 'stored',
  settledTimes: 1,
  isCut: false,
  isSettledEarly: false,
  isDropped: false,
  ...more,
});

const output = (origin: number | undefined, json: unknown, more: Partial<ObservedOutput> = {}): ObservedOutput => ({
  topic: 'orders',
  isDeadLetter: false,
  payload: Buffer.from(JSON.stringify(json)),
  key: undefined,
  headers: {},
  origin,
  ...more,
});

const run = (parts: Partial<Observed>): Observed => ({
  inputs: [],
  outputs: [],
  batches: [],
  isAggregating: false,
  isFromTopics: false,
  ...parts,
});

/** What breaks the invariant in one sentence; undefined where it holds. */
async function broken(invariant: unknown, parts: Partial<Observed>): Promise<string | undefined> {
  return (await violationIn(run(parts), judgesOf(holdSchema.parse([invariant]), '.')))?.message;
}

const one = input({ total: 1 });
const letter = { isDeadLetter: true, topic: 'orders.dlt' };

suite('no_loss', () => {
  test('wants an output of each message that was acked as stored', async () => {
    const inputs = [one, input({ total: -2 }, { message: { json: { total: -2 }, key: 'ada' } })];
    assert.equal(await broken('no_loss', { inputs, outputs: [output(0, 1), output(1, 2)] }), undefined);
    assert.equal(
      await broken('no_loss', { inputs, outputs: [output(0, 1)] }),
      'message 2 ({"total":-2}, key ada) was acked as stored, and is in no output',
    );
  });

  test('does not take a dead letter for an output, nor an output for a dead letter', async () => {
    const lost = 'message 1 ({"total":1}) was acked as stored, and is in no output';
    assert.equal(await broken('no_loss', { inputs: [one], outputs: [output(0, 1, letter)] }), lost);
    const inputs = [input({ total: 1 }, { outcome: 'dead_letter' })];
    assert.equal(await broken('no_loss', { inputs, outputs: [output(0, 1, letter)] }), undefined);
    const noLetter = 'message 1 ({"total":1}) was acked as a dead letter, and there is none';
    assert.equal(await broken('no_loss', { inputs, outputs: [output(0, 1)] }), noLetter);
  });

  test('accepts what was filtered, what failed with an error, and what a crash cut off', async () => {
    const inputs = [
      input(1, { outcome: 'filtered' }),
      input(2, { outcome: 'failed' }),
      input(3, { outcome: 'pending', settledTimes: 0, isCut: true }),
    ];
    assert.equal(await broken('no_loss', { inputs }), undefined);
  });

  test('wants an outcome of each message of a client; a record stays in its topic', async () => {
    const inputs = [input(1, { outcome: 'pending', settledTimes: 0 })];
    assert.equal(await broken('no_loss', { inputs }), 'message 1 (1) has no outcome: it is neither stored nor refused');
    assert.equal(await broken('no_loss', { inputs, isFromTopics: true }), undefined);
  });

  test('does not look for the outputs of single messages where an operator joins them', async () => {
    assert.equal(await broken('no_loss', { inputs: [one], isAggregating: true }), undefined);
  });
});

suite('no_duplicates', () => {
  test('finds the same content of one message twice in a destination', async () => {
    const twice = 'message 1 ({"total":1}) is in orders twice';
    assert.equal(await broken('no_duplicates', { inputs: [one], outputs: [output(0, 1), output(0, 1)] }), twice);
    const outputs = [
      output(0, 1),
      output(0, 2),
      output(0, 1, { topic: 'copies' }),
      output(undefined, 3),
      output(undefined, 3),
    ];
    assert.equal(await broken('no_duplicates', { inputs: [one], outputs }), undefined);
  });
});

suite('order_by_key', () => {
  const inputs = [one, input({ total: 2 })];

  test('finds the later message of a key in front of the earlier one', async () => {
    const outputs = [output(1, 2, { key: 'ada' }), output(0, 1, { key: 'ada' })];
    assert.equal(
      await broken('order_by_key', { inputs, outputs }),
      'in orders, message 2 ({"total":2}) came before message 1 ({"total":1}), both with the key ada',
    );
  });

  test('compares the messages of one key and one destination alone', async () => {
    const outputs = [
      output(1, 2, { key: 'ada' }),
      output(0, 1, { key: 'bob' }),
      output(0, 1, { topic: 'b', key: 'ada' }),
    ];
    assert.equal(await broken('order_by_key', { inputs, outputs }), undefined);
  });

  test('judges the first output of a message: a repetition begins further back', async () => {
    assert.equal(
      await broken('order_by_key', { inputs, outputs: [0, 1, 0, 1].map((at) => output(at, at)) }),
      undefined,
    );
  });

  test('leaves out dead letters, and records without a key, which may be in any partition', async () => {
    const outputs = [output(1, 2), output(0, 1)];
    assert.match((await broken('order_by_key', { inputs, outputs })) ?? '', /both without a key/);
    assert.equal(await broken('order_by_key', { inputs, outputs, isFromTopics: true }), undefined);
    const letters = outputs.map((one) => ({ ...one, ...letter }));
    assert.equal(await broken('order_by_key', { inputs, outputs: letters }), undefined);
  });

  test('compares records without a key within their partition', async () => {
    const spread = [output(1, 2, { partition: 0 }), output(0, 1, { partition: 1 })];
    assert.equal(await broken('order_by_key', { inputs, outputs: spread }), undefined);
    const same = spread.map((one) => ({ ...one, partition: 0 }));
    assert.match((await broken('order_by_key', { inputs, outputs: same })) ?? '', /both without a key/);
  });

  test('leaves out a message that was a dead letter before it was stored', async () => {
    const outputs = [output(1, 2), output(0, 1), output(0, 1, letter)];
    assert.equal(await broken('order_by_key', { inputs, outputs }), undefined);
  });

  test('does not compare messages that came with different keys', async () => {
    const keyed = [input(1, { message: { json: 1, key: 'a' } }), input(2, { message: { json: 2, key: 'b' } })];
    const outputs = [output(1, 2, { key: 'x' }), output(0, 1, { key: 'x' })];
    assert.equal(await broken('order_by_key', { inputs: keyed, outputs }), undefined);
  });
});

suite('settles_once', () => {
  test('finds what is settled twice, never, or before the sink has it', async () => {
    const of = (more: Partial<ObservedInput>) => broken('settles_once', { inputs: [input(1, more)] });
    assert.equal(await of({}), undefined);
    assert.equal(await of({ settledTimes: 2 }), 'message 1 (1) was settled 2 times');
    assert.equal(await of({ settledTimes: 0, outcome: 'pending' }), 'message 1 (1) was never settled');
    assert.equal(await of({ settledTimes: 0, isCut: true }), undefined);
    assert.equal(
      await of({ isSettledEarly: true }),
      'message 1 (1) was settled before the sink had it, and is settled again there',
    );
  });
});

suite('settles_once of records', () => {
  test('says where the pipeline has stopped', async () => {
    const inputs = [
      input(1, { outcome: 'failed', error: 'TG_MESSAGE_INVALID' }),
      input(2, { outcome: 'pending', settledTimes: 0 }),
    ];
    assert.equal(
      await broken('settles_once', { inputs, isFromTopics: true }),
      'message 2 (2) was never settled: the pipeline stopped at message 1 (1), which failed with TG_MESSAGE_INVALID',
    );
  });
});

suite('batch_at_most', () => {
  test('finds a larger batch', async () => {
    const larger = 'the sink got a batch of 6 messages, and at most 5 are allowed';
    assert.equal(await broken({ batch_at_most: 5 }, { batches: [1, 6, 7] }), larger);
    assert.equal(await broken({ batch_at_most: 7 }, { batches: [1, 6, 7] }), undefined);
  });
});

suite('dead_letters_only_for', () => {
  test('finds a dead letter of another reason', async () => {
    const headers = { 'tidegate-error-code': 'TG_PROCESSOR_FAILED', 'tidegate-error-message': 'it broke' };
    const parts = { inputs: [one], outputs: [output(0, 1, { ...letter, headers })] };
    assert.equal(
      await broken({ dead_letters_only_for: 'TG_MESSAGE_INVALID' }, parts),
      'message 1 ({"total":1}) became a dead letter with TG_PROCESSOR_FAILED: it broke',
    );
    const both = { dead_letters_only_for: ['TG_MESSAGE_INVALID', 'TG_PROCESSOR_FAILED'] };
    assert.equal(await broken(both, parts), undefined);
  });
});

suite('output_schema', () => {
  const schema = { output_schema: { type: 'object', properties: { total: { minimum: 0 } } } };

  test('finds an output that does not fit, with its place', async () => {
    assert.equal(
      await broken(schema, { inputs: [one], outputs: [output(0, { total: -1 })] }),
      'the output {"total":-1} in orders, from message 1 ({"total":1}) does not fit output_schema: /total must be >= 0',
    );
    const text = { payload: Buffer.from('{'), origin: undefined };
    const noJson = 'the output { in orders does not fit output_schema: it is not JSON';
    assert.equal(await broken(schema, { outputs: [output(0, 1, text)] }), noJson);
  });

  test('leaves out dead letters and records without a value', async () => {
    const outputs = [output(0, 1, letter), output(0, 1, { payload: null })];
    assert.equal(await broken(schema, { inputs: [one], outputs }), undefined);
  });

  test('says which schema cannot be used', () => {
    const hold = holdSchema.parse([{ output_schema: './none.schema.json' }]);
    assert.throws(
      () => judgesOf(hold, '/nowhere'),
      /output_schema: the schema \/nowhere\/none\.schema\.json cannot be read/,
    );
  });
});

suite('an expression', () => {
  test('is about each output', async () => {
    const outputs = [output(0, { total: 1 }), output(0, { total: -1 })];
    assert.equal(
      await broken('${! output.total >= 0 }', { inputs: [one], outputs }),
      'the output {"total":-1} in orders, from message 1 ({"total":1}): ${! output.total >= 0 } is not true',
    );
    assert.equal(await broken('${! output.total >= -1 }', { inputs: [one], outputs }), undefined);
  });

  test('may compare an output with its message, its key, headers and topic', async () => {
    const of = (text: string) =>
      broken(text, { inputs: [one], outputs: [output(0, { total: 1 }, { key: 'ada', headers: { tenant: 'x' } })] });
    assert.equal(await of('${! output.total = input.total }'), undefined);
    assert.equal(await of('${! key = "ada" and headers.tenant = "x" and topic = "orders" }'), undefined);
    assert.match((await of('${! output.total = input.total + 1 }')) ?? '', /is not true$/);
  });

  test('that reads input does not judge outputs of an unknown origin', async () => {
    const outputs = [output(undefined, { total: 5 })];
    assert.equal(await broken('${! output.total = input.total }', { inputs: [one], outputs }), undefined);
  });

  test('that fails says why', async () => {
    const parts = { inputs: [one], outputs: [output(0, { total: 'x' })] };
    assert.match((await broken('${! output.total + 1 > 0 }', parts)) ?? '', /fails: .*number/);
  });
});

suite('several invariants', () => {
  test('the first one that is broken is reported', async () => {
    const hold = holdSchema.parse(['no_loss', 'settles_once']);
    const violation = await violationIn(run({ inputs: [input(1, { settledTimes: 2 })] }), judgesOf(hold, '.'));
    assert.equal(violation?.invariant.name, 'no_loss');
  });
});
