// Slow: it runs hundreds of simulations, and makes what fails smaller.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runTests } from '../../../../src/testing/cases/run-tests.ts';

const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const PLUGIN = fileURLToPath(new URL(`../../../fixtures/broken-orders${EXTENSION}`, import.meta.url));

/** A pipeline of an endpoint, or of a topic, with one step. */
function yaml(step: string, { from = 'endpoint: in', pipeline = '' } = {}): string {
  return `
plugins: [ ${JSON.stringify(PLUGIN)} ]
log: { driver: embedded, topics: { raw: { partitions: 1 }, orders: { partitions: 1 }, orders.dlt: { partitions: 1 } } }
listeners: { public: { port: 9090 } }
endpoints: { in: { listener: public, path: /in, codec: json } }
pipelines:
  orders-in:
    source: { ${from} }
    processors: [ ${step} ]
    sink: { topic: { name: orders, key: "\${! key }" } }
    on_error: { dead_letter: orders.dlt }
${pipeline}`;
}

const KEEPING = '{ filter: { keep: "${! json.total > 0 }" } }';

const SCHEMA =
  '{ type: object, required: [ total ], properties: { total: { type: integer }, note: { type: string } } }';

const forall = (hold: string, more = '') => `
tests:
  - name: whatever comes
    pipeline: orders-in
    forall: { schema: ${SCHEMA}, runs: 200, seed: 1${more} }
    hold: [ ${hold} ]
`;

/** Sentence and printed entry of the only failure. */
async function failureOf(t: TestContext, text: string): Promise<{ sentence: string; entry: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, text);
  const { results, invalid } = await runTests(file);
  assert.equal(invalid, undefined);
  const [failure] = results.flatMap(({ failures }) => failures);
  if (failure === undefined) return { sentence: '', entry: '' };
  return { sentence: 'sentence' in failure.what ? failure.what.sentence : '', entry: failure.details ?? '' };
}

interface Broken {
  readonly title: string;
  readonly step: string;
  readonly hold: string;
  readonly from?: string;
  readonly more?: string;
  readonly broken: string;
  readonly input: readonly string[];
}

const CASES: readonly Broken[] = [
  {
    title: 'a processor that acks what it drops',
    step: 'losing',
    hold: 'settles_once, no_loss',
    broken: 'message 1 ({"total":-1}, key k1) was acked as stored, and is in no output',
    input: ['{ json: { total: -1 }, key: k1 }'],
  },
  {
    title: 'the same behind a topic',
    step: 'losing',
    from: 'topic: { names: [ raw ], group: g, from: earliest }',
    hold: 'no_loss',
    broken: 'message 1 ({"total":-1}, key k1) was acked as stored, and is in no output',
    input: ['{ json: { total: -1 }, key: k1 }'],
  },
  {
    title: 'a processor that acks what it passes on',
    step: 'settling',
    hold: 'settles_once',
    broken: 'message 1 ({"total":11}, key k1) was settled before the sink had it, and is settled again there',
    input: ['{ json: { total: 11 }, key: k1 }'],
  },
  {
    title: 'a processor that doubles',
    step: 'doubling',
    hold: 'no_loss, no_duplicates',
    broken: 'message 1 ({"total":0,"note":""}, key k1) is in orders twice',
    input: ['{ json: { total: 0, note: "" }, key: k1 }'],
  },
  {
    title: 'an operator that changes the order',
    step: 'swapping',
    hold: 'order_by_key',
    broken:
      'in orders, message 2 ({"total":0}, key k1) came before message 1 ({"total":0}, key k1), both with the key k1',
    input: ['{ json: { total: 0 }, key: k1 }', '{ json: { total: 0 }, key: k1 }'],
  },
  {
    title: 'a batch that is too large',
    step: 'growing',
    hold: 'batch_at_most: 1',
    broken: 'the sink got a batch of 2 messages, and at most 1 are allowed',
    input: ['{ json: { total: 0 }, key: k1 }'],
  },
  {
    title: 'a filter with a hole in it',
    step: '{ filter: { keep: "${! json.total != -1 }" } }',
    hold: 'no_loss, "${! output.total >= 0 }"',
    broken:
      'the output {"total":-2} in orders, from message 1 ({"total":-2}, key k1): ${! output.total >= 0 } is not true',
    input: ['{ json: { total: -2 }, key: k1 }'],
  },
  {
    title: 'an expression that is broken under faults, without the faults',
    step: '{ filter: { keep: "${! json.total >= 0 }" } }',
    from: 'topic: { names: [ raw ], group: g, from: earliest }',
    hold: '"${! $exists(output.note) = false }"',
    more: ', faults: [ crash, late, duplicate ]',
    broken:
      'the output {"total":0,"note":""} in orders, from message 1 ({"total":0,"note":""}, key k1): ${! $exists(output.note) = false } is not true',
    input: ['{ json: { total: 0, note: "" }, key: k1 }'],
  },
];

suite('what is broken is found, and printed as the smallest input that shows it', () => {
  for (const { title, step, hold, from, more = '', broken, input } of CASES) {
    test(title, async (t) => {
      const pipeline = yaml(step, from === undefined ? {} : { from });
      const { sentence, entry } = await failureOf(t, pipeline + forall(hold, more));
      assert.match(sentence, /^run \d+ of 200.* \(seed 1\): /);
      assert.ok(sentence.endsWith(broken), sentence);
      const lines = entry.split('\n').map((line) => line.trim());
      assert.deepEqual(lines.slice(0, 3), ['- name: whatever comes (seed 1)', 'pipeline: orders-in', 'input:']);
      assert.deepEqual(
        lines.slice(3, -1),
        input.map((step) => `- ${step}`),
      );
      const pasted = await failureOf(t, `${pipeline}\ntests:\n${entry}\n`);
      assert.ok(pasted.sentence.endsWith(broken), `pasted: ${pasted.sentence}`);
    });
  }

  test('a pipeline as it should be holds everything under all faults', async (t) => {
    for (const from of ['endpoint: in', 'topic: { names: [ raw ], group: g, from: earliest }']) {
      const faults = ', invalid: true, faults: [ sink_refuses, crash, late, duplicate, link_down ]';
      const pipeline = yaml('{ filter: { keep: "${! json.total >= 0 }" } }', { from });
      const hold = 'no_loss, order_by_key, settles_once, batch_at_most: 500, "${! output.total = input.total }"';
      const { sentence } = await failureOf(t, pipeline + forall(hold, faults).replace('runs: 200', 'runs: 40'));
      assert.equal(sentence, '');
    }
  });

  test('a fault stays in the entry where it is needed, and fails in the same way when it is pasted', async (t) => {
    const source = 'topic: { names: [ raw ], group: g, from: earliest }';
    const pipeline = yaml('{ filter: { keep: "${! json.total >= 0 }" } }', { from: source }).replace(
      'on_error: { dead_letter: orders.dlt }',
      'on_error: { retries: 0 }',
    );
    const { sentence, entry } = await failureOf(t, pipeline + forall('settles_once', ', faults: [ sink_refuses ]'));
    assert.match(sentence, /was never settled: the pipeline stopped at message 1 .* failed with TG_RECORD_REFUSED$/);
    assert.equal(
      entry,
      `  - name: whatever comes (seed 1)
    pipeline: orders-in
    input:
      - { fault: sink_refuses }
      - { json: { total: 0 }, key: k1 }
      - { fault: sink_refuses }
      - { json: { total: 0 }, key: k1 }
    hold: [ settles_once ]`,
    );
    const pasted = await failureOf(t, `${pipeline}\ntests:\n${entry}\n`);
    assert.ok(pasted.sentence !== '' && sentence.endsWith(pasted.sentence), pasted.sentence);
  });

  test('of two messages with the same content it is known which one was stored', async (t) => {
    const same = '{ json: { total: 1 }, key: k1 }';
    const first = `[ { fault: sink_refuses }, ${same}, { after: 1ms }, ${same} ]`;
    const second = `[ ${same}, { fault: sink_refuses }, ${same} ]`;
    const source = 'topic: { names: [ raw ], group: g, from: earliest }';
    for (const from of ['endpoint: in', source]) {
      for (const input of [first, second]) {
        const entry = `  - { name: twins, pipeline: orders-in, input: ${input}, hold: [ no_loss, no_duplicates, order_by_key ] }`;
        const { sentence } = await failureOf(t, `${yaml(KEEPING, { from })}\ntests:\n${entry}\n`);
        assert.equal(sentence, '');
      }
    }
  });

  test('of two messages with the same content the one that is lost is named', async (t) => {
    const input = '[ { json: { total: 11 }, key: k1 }, { json: { total: 11 }, key: k2 } ]';
    const entry = `  - { name: twins, pipeline: orders-in, input: ${input}, hold: [ no_loss ] }`;
    const lost = await failureOf(t, `${yaml('forgetting')}\ntests:\n${entry}\n`);
    assert.equal(lost.sentence, 'no_loss: message 2 ({"total":11}, key k2) was acked as stored, and is in no output');
  });

  test('outputs of the pipelines behind it are not judged', async (t) => {
    const behind = `  doubled:
    source: { topic: { names: [ orders ], group: doubled, from: earliest } }
    processors: [ { map: { json: "\${! { 'total': -json.total } }" } } ]
    sink: { topic: { name: raw } }
`;
    const input = '[ { json: { total: 1 }, key: k1 } ]';
    const hold = '[ "${! output.total > 0 }", no_loss, no_duplicates ]';
    const entry = `  - { name: one, pipeline: orders-in, input: ${input}, hold: ${hold} }`;
    const text = `${yaml(KEEPING, { pipeline: behind })}\ntests:\n${entry}\n`;
    assert.equal((await failureOf(t, text)).sentence, '');
  });

  test('the same seed gives the same verdict in the same words', async (t) => {
    const source = 'topic: { names: [ raw ], group: g, from: earliest }';
    const pipeline = yaml('{ filter: { keep: "${! json.total >= 0 }" } }', { from: source });
    const faults = ', invalid: true, faults: [ sink_refuses, crash, late, duplicate, link_down ]';
    const broken = forall('no_loss, "${! output.total < 100 or $exists(output.note) }"', faults).replace(
      'seed: 1',
      'seed: 5',
    );
    const [first, again] = [await failureOf(t, pipeline + broken), await failureOf(t, pipeline + broken)];
    assert.match(first.sentence, /^run \d+ of 200, made smaller \d+ times \(seed 5\): /);
    assert.deepEqual(again, first);
  });
});
