import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER, Subject } from 'rxjs';
import { innerSinkSchema } from '../../../src/config/schema/component-schema.ts';
import type { Sink } from '../../../src/core/component.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { compositeSinks } from '../../../src/pipelines/index.ts';
import { type ComponentSpec, defineSink, z } from '../../../src/sdk/index.ts';
import { Registry } from '../../../src/sdk/registry.ts';
import { batchOf, fakeContext, settled, texts } from './parts.ts';

/** One of the sinks: keeps what it is given, and gives up when the test says so. */
class Leaf implements Sink {
  readonly idle = true;
  readonly idle$ = NEVER;
  readonly failed$ = new Subject<TidegateError>();
  readonly messages: Message[] = [];

  async open(): Promise<void> {}

  write({ messages }: { readonly messages: readonly Message[] }): void {
    this.messages.push(...messages);
  }

  async close(): Promise<void> {}

  giveUp(): void {
    this.failed$.next(new TidegateError('TG_FLOW_FAILED', 'gave up'));
  }
}

const refusal = () => new TidegateError('TG_RECORD_TOO_LARGE', 'too large');

/** `first` of three sinks, and what became of the messages that `send` makes. */
function firstOfThree() {
  const leaves: Leaf[] = [];
  const leaf = defineSink({
    name: 'leaf',
    summary: 'A sink in the hand of the test.',
    config: z.number(),
    examples: [],
    reaches: 'records',
    create: () => {
      const made = new Leaf();
      leaves.push(made);
      return made;
    },
  });
  const registry = new Registry();
  const inner = innerSinkSchema(registry);
  for (const spec of [leaf, ...compositeSinks(inner)]) registry.addBuiltin(spec as unknown as ComponentSpec);
  const chosen = inner.parse({ first: [{ leaf: 0 }, { leaf: 1 }, { leaf: 2 }] });
  const sink: Sink = chosen.spec.create(chosen.config as never, fakeContext().context);
  const ends: string[] = [];
  const send = (...names: string[]) => {
    const target = {
      settled: ({ text }: Message, failure: TidegateError | null) => ends.push(`${text} ${failure?.code ?? 'acked'}`),
    };
    sink.write(batchOf(...names.map((name) => new Message(Buffer.from(name), { target }))));
  };
  const [one, two, three] = leaves as [Leaf, Leaf, Leaf];
  const broken: string[] = [];
  sink.failed$?.subscribe(({ code }) => broken.push(code));
  return { send, ends, one, two, three, broken };
}

test('what the first sink refused in a turn is not handed to the second one, which gave up in that turn', async () => {
  const { send, ends, one, two, three, broken } = firstOfThree();
  send('a', 'b');
  for (const message of one.messages) message.nack(refusal());
  two.giveUp();
  await settled();
  assert.deepEqual([texts(two.messages), texts(three.messages)], [[], ['a', 'b']]);
  for (const message of three.messages) message.ack();
  assert.deepEqual([ends, broken], [['a acked', 'b acked'], []]);
});

test('what a sink has when it gives up goes on in front of what was to be written to it next', async () => {
  const { send, one, two, three } = firstOfThree();
  send('a', 'b');
  one.messages[0]?.nack(refusal());
  await settled();
  one.messages[1]?.nack(refusal());
  two.giveUp();
  await settled();
  assert.deepEqual([texts(two.messages), texts(three.messages)], [['a'], ['a', 'b']]);
});

test('a message fails where those behind the sink that refused it have all given up', async () => {
  const { send, ends, one, two, three, broken } = firstOfThree();
  two.giveUp();
  three.giveUp();
  send('a');
  one.messages[0]?.nack(refusal());
  await settled();
  assert.deepEqual([ends, two.messages.length, three.messages.length], [['a TG_RECORD_TOO_LARGE'], 0, 0]);
  assert.deepEqual(broken, []);
  one.giveUp();
  assert.deepEqual(broken, ['TG_FLOW_FAILED']);
});
