import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { lastValueFrom, map, Subject } from 'rxjs';
import { builtinRegistry } from '../../../src/config/index.ts';
import { Batch } from '../../../src/core/batch.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import type { OperatorSpec, ProcessorSpec } from '../../../src/sdk/define.ts';
import { type Example, type ExampleMessage, exampleConfig, titledExample } from '../../../src/sdk/example.ts';
import { makeComponent } from '../../../src/sdk/make.ts';
import { fakeContext } from './parts.ts';

const registry = builtinRegistry();
const processors = registry.all('processor');

for (const spec of processors) {
  for (const example of spec.examples.map((one) => titledExample(one))) {
    test(`example of ${spec.name}: ${example?.title}`, async () => {
      assert.ok(example?.input !== undefined && example.output !== undefined, 'it has no title, input or output');
      assert.deepEqual(await outcomeOf(spec, example), wanted(example.output));
    });
  }
}

for (const spec of registry.all('operator')) {
  for (const example of spec.examples.map((one) => titledExample(one))) {
    if (example?.input === undefined) continue;
    test(`example of ${spec.name}: ${example.title}`, async () => {
      assert.deepEqual(await flowOf(spec, example), wanted(example.output));
    });
  }
}

test('every component says what it does, and has examples that fit its settings', () => {
  const kinds = ['source', 'processor', 'operator', 'sink', 'codec'] as const;
  for (const spec of kinds.flatMap((kind) => [...registry.all(kind)])) {
    assert.ok(spec.examples.length > 0, spec.name);
    for (const example of spec.examples) spec.config.parse(exampleConfig(example));
  }
  for (const { name, failures = [] } of processors) assert.ok(failures.length > 0 || name === 'compress', name);
});

test('an example that shows a failure is of a code that exists', () => {
  const codes = processors.flatMap(({ examples }) =>
    examples.flatMap((one) => {
      const output = titledExample(one)?.output;
      return typeof output === 'object' && output !== null && 'error' in output ? [output.error] : [];
    }),
  );
  assert.ok(codes.length >= 5);
  for (const code of codes) assert.match(code, /^TG_[A-Z_]+: [a-z$]/);
});

/** What the processor makes of the input, in the form of `wanted`. */
async function outcomeOf(spec: ProcessorSpec, { config, input, output }: Example<unknown>) {
  const { context, followers } = fakeContext();
  const processor = makeComponent(spec, spec.config.parse(config), context);
  for (const follower of followers) follower.catchUp();
  await processor.open?.();
  try {
    const made = await processor.process(messageOf((input ?? '') as ExampleMessage));
    return made === null ? [] : [made].flat().map((message) => shown(message));
  } catch (error) {
    assert.ok(error instanceof TidegateError, String(error));
    const text = `${error.code}: ${error.message}`;
    const isAsSaid =
      typeof output === 'object' && output !== null && 'error' in output && text.startsWith(output.error);
    return isAsSaid ? { error: output.error } : { error: text };
  }
}

/** What an operator passes on of one message behind the other. */
async function flowOf(spec: OperatorSpec, { config, input }: Example<unknown>) {
  const operator = makeComponent(spec, spec.config.parse(config), fakeContext().context);
  assert.ok('apply' in operator, `${spec.name} keeps messages`);
  const passed: Message[] = [];
  const batches = new Subject<Batch>();
  const host = {
    filter: (message: Message) => message.ack('filtered'),
    fail: (_: Message, error: unknown) => assert.fail(String(error)),
  };
  const over = lastValueFrom(
    operator.apply(batches, host).pipe(
      map(({ messages }) => {
        for (const message of messages) message.ack();
        passed.push(...messages);
      }),
    ),
    { defaultValue: undefined },
  );
  for (const message of [input].flat() as ExampleMessage[]) batches.next(new Batch([messageOf(message)]));
  batches.complete();
  await over;
  return passed.map((message) => shown(message));
}

function wanted(output: Example<unknown>['output']) {
  if (output === null || output === undefined) return [];
  if (typeof output === 'object' && 'error' in output) return output;
  return [output].flat().map((one) => shown(messageOf(one as ExampleMessage)));
}

function messageOf(example: ExampleMessage): Message {
  if (typeof example === 'string') return new Message(Buffer.from(example));
  const { text = '', base64, key = null, headers = {} } = example;
  const payload = base64 === undefined ? Buffer.from(text) : Buffer.from(base64, 'base64');
  return new Message(payload, { key, headers: Object.entries(headers) });
}

function shown({ payload, key, headers }: Message) {
  // Compressors of other versions may write other bytes for the same content.
  const isGzip = payload.length > 2 && payload.readUInt16BE(0) === 0x1f8b;
  const text = isGzip ? `gzip of ${gunzipSync(payload)}` : payload.toString('utf8');
  return { payload: text, key: key?.toString() ?? null, headers };
}
