import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lastValueFrom, of } from 'rxjs';
import { builtinRegistry } from '../../src/config/index.ts';
import { writeJson } from '../../src/core/exact-number.ts';
import { Message } from '../../src/core/message.ts';
import { processing } from '../../src/pipelines/processing.ts';
import type { ProcessorSpec } from '../../src/sdk/define.ts';
import { type ExampleMessage, titledExample } from '../../src/sdk/example.ts';
import { makeComponent } from '../../src/sdk/make.ts';
import { bigInteger } from '../../src/testing/arbitraries/json.ts';
import { anyContent, type MessageContent } from '../../src/testing/arbitraries/message.ts';
import { batchOf, countingOptions, fakeContext } from '../unit/pipelines/parts.ts';

const processors = builtinRegistry().all('processor');

const content = anyContent;
type Content = MessageContent;

/** Payloads of the examples as well: what a processor is for is rarely met by chance. */
const contentFor = ({ examples }: ProcessorSpec) => {
  const inputs = examples.flatMap((one) => {
    const input = [titledExample(one)?.input ?? ''].flat()[0] as ExampleMessage;
    const text = typeof input === 'string' ? input : (input.text ?? '');
    const bytes =
      typeof input === 'object' && input.base64 !== undefined ? Buffer.from(input.base64, 'base64') : Buffer.from(text);
    return [{ payload: bytes, key: 'k', headers: [] }];
  });
  return fc.oneof(content, fc.constantFrom<Content>(...inputs));
};

for (const spec of processors) {
  for (const example of spec.examples.map((one) => titledExample(one))) {
    test(`${spec.name} makes of a batch what it makes of its messages one by one (${example?.title})`, async () => {
      const config = spec.config.parse(example?.config);
      await fc.assert(
        fc.asyncProperty(fc.array(contentFor(spec), { maxLength: 8 }), async (contents) => {
          const together = await outcomes(spec, config, [contents]);
          const apart = await outcomes(
            spec,
            config,
            contents.map((one) => [one]),
          );
          assert.deepEqual(together, apart);
        }),
        { numRuns: 25 },
      );
    });
  }
}

/** What comes out, and what becomes of each message. Each batch has a processor of its own: nothing of one is known to the next. */
async function outcomes(spec: ProcessorSpec, config: unknown, batches: readonly (readonly Content[])[]) {
  const out: unknown[] = [];
  const ends: string[] = [];
  const target = {
    settled: (message: Message, failure: Error | null) =>
      ends.push(`${message.token} ${message.outcome} ${failure?.message ?? ''}`),
  };
  let token = 0;
  for (const batch of batches) {
    const { context, followers } = fakeContext();
    const processor = makeComponent(spec, config, context);
    for (const follower of followers) follower.catchUp();
    await processor.open?.();
    const messages = batch.map((init) => new Message(init.payload, { ...init, token: token++, target }));
    const done = await lastValueFrom(of(batchOf(...messages)).pipe(processing([processor], countingOptions().options)));
    for (const message of done.messages) {
      out.push([message.token, message.payload.toString('base64'), message.key, message.headers]);
      message.ack();
    }
  }
  // A batch settles what fails before anything of it goes on; one by one, they alternate.
  return { out, ends: ends.sort() };
}

/** Settings with which a processor only passes the value of `id` on, and where it is then. */
const PASSING: readonly (readonly [
  name: string,
  config: unknown,
  input: (id: string) => string,
  expected: (id: string) => string,
])[] = [
  [
    'fields',
    { set: { 'b.copy': '${! json.a.id }', n: 1 }, remove: ['x'] },
    (id) => `{"a":{"id":${id}},"x":${id}}`,
    (id) => `{"a":{"id":${id}},"b":{"copy":${id}},"n":1}`,
  ],
  ['fields', { rename: { a: 'b.c' } }, (id) => `{"a":[${id}]}`, (id) => `{"b":{"c":[${id}]}}`],
  ['fields', { keep: ['a.id'] }, (id) => `{"a":{"id":${id},"b":1}}`, (id) => `{"a":{"id":${id}}}`],
  ['mask', { fields: ['card'], redact: '-' }, (id) => `{"id":${id},"card":${id}}`, (id) => `{"id":${id},"card":"-"}`],
  [
    'mask',
    { fields: ['card'], partial: { first: 99 } },
    (id) => `{"card":${id}}`,
    (id) => `{"card":"${'*'.repeat(id.length)}"}`,
  ],
  ['flatten', { lists: true }, (id) => `{"a":[{"id":${id}}]}`, (id) => `{"a.0.id":${id}}`],
  ['nest', { under: 'data' }, (id) => id, (id) => `{"data":${id}}`],
  ['nest', { delimiter: '.' }, (id) => `{"a.id":${id}}`, (id) => `{"a":{"id":${id}}}`],
  ['extract', { path: 'a.0' }, (id) => `{"a":[${id}]}`, (id) => id],
  ['extract', { path: 'a', as: 'text' }, (id) => `{"a":${id}}`, (id) => id],
  ['split', { path: 'a' }, (id) => `{"a":[${id}]}`, (id) => id],
  ['headers', { set: { id: '${! json.id }' } }, (id) => `{"id":${id}}`, (id) => `{"id":${id}}`],
  ['validate', { schema: { properties: { id: { type: 'integer' } } } }, (id) => `{"id":${id}}`, (id) => `{"id":${id}}`],
  ['map', { json: '${! json.id }' }, (id) => `{"id":${id}}`, (id) => id],
  ['convert', 'json', (id) => `[${id}]`, (id) => `[${id}]`],
  ['filter', { keep: '${! json.ok }' }, (id) => `{"ok":true,"id":${id}}`, (id) => `{"ok":true,"id":${id}}`],
];

test('integers above 2^53 keep every digit in each processor that does not compute with them', async () => {
  const integer = fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map(String);
  await fc.assert(
    fc.asyncProperty(integer, fc.constantFrom(...PASSING), async (id, [wanted, config, input, expected]) => {
      const spec = processors.find((one) => one.name === wanted) ?? assert.fail(wanted);
      const { out } = await outcomes(spec, spec.config.parse(config), [
        [{ payload: Buffer.from(input(id)), key: null, headers: [] }],
      ]);
      const payloads = (out as [number, string][]).map(([, payload]) => Buffer.from(payload, 'base64').toString());
      assert.deepEqual(payloads, [expected(id)]);
    }),
    { numRuns: 300 },
  );
});

test('nest makes of what flatten made what it was, where no name has a dot', async () => {
  const plain = fc.dictionary(
    fc.stringMatching(/^[a-z]{1,3}$/),
    fc.oneof(fc.integer(), fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), bigInteger)),
    { noNullPrototype: true },
  );
  const make = (wanted: string, config: unknown) => {
    const spec = processors.find((one) => one.name === wanted) ?? assert.fail(wanted);
    return makeComponent(spec, spec.config.parse(config), fakeContext().context);
  };
  await fc.assert(
    fc.asyncProperty(plain, async (value) => {
      const text = writeJson(value) ?? '';
      const flat = await make('flatten', {}).process(new Message(Buffer.from(text)));
      const nested = await make('nest', { delimiter: '.' }).process(flat as Message);
      assert.equal((nested as Message).text, text);
    }),
  );
});
