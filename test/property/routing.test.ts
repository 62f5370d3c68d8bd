import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NEVER } from 'rxjs';
import { innerSinkSchema } from '../../src/config/schema/component-schema.ts';
import type { Sink } from '../../src/core/component.ts';
import { TidegateError } from '../../src/core/errors.ts';
import type { Message } from '../../src/core/message.ts';
import { compositeSinks } from '../../src/pipelines/index.ts';
import { dropSink } from '../../src/pipelines/sinks/drop.ts';
import { type ComponentSpec, defineSink, z } from '../../src/sdk/index.ts';
import { Registry } from '../../src/sdk/registry.ts';
import { SettleLog } from '../unit/core/settle-log.ts';
import { batchOf, fakeContext, settled } from '../unit/pipelines/parts.ts';

/** A message that came to a leaf of the tree, by the number of the leaf. */
interface Arrived {
  readonly leaf: number;
  readonly message: Message;
}

const tree = fc.letrec<{ sink: unknown }>((tie) => ({
  sink: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constant({ leaf: 0 }),
    fc.constant('drop'),
    fc.array(tie('sink'), { minLength: 2, maxLength: 3 }).map((all) => ({ all })),
    fc.array(tie('sink'), { minLength: 2, maxLength: 3 }).map((first) => ({ first })),
    fc
      .array(fc.record({ when: fc.constantFrom('${! json.a }', '${! json.b }'), sink: tie('sink') }), {
        minLength: 1,
        maxLength: 3,
      })
      .map((route) => ({ route })),
  ),
})).sink;

const messages = fc.array(fc.record({ a: fc.boolean(), b: fc.boolean(), key: fc.nat(2) }), {
  minLength: 1,
  maxLength: 12,
});

/** Whether each copy that arrives is acked; asked in the order of settling. */
const verdicts = fc.infiniteStream(fc.boolean());

test('a message settles once and in order within a sink, whatever sinks are within sinks and fail', async () => {
  await fc.assert(
    fc.asyncProperty(tree, messages, verdicts, fc.infiniteStream(fc.nat()), async (shape, contents, acks, picks) => {
      const arrived: Arrived[] = [];
      let leaves = 0;
      const leaf = defineSink({
        name: 'leaf',
        summary: 'A sink whose messages the test settles.',
        config: z.number(),
        examples: [],
        reaches: 'records',
        create: () => {
          const number = leaves++;
          return {
            open: async () => {},
            write: (batch) => arrived.push(...batch.messages.map((message) => ({ leaf: number, message }))),
            idle: true,
            idle$: NEVER,
            close: async () => {},
          };
        },
      });
      const registry = new Registry();
      const inner = innerSinkSchema(registry);
      for (const spec of [leaf, dropSink, ...compositeSinks(inner)])
        registry.addBuiltin(spec as unknown as ComponentSpec);
      const chosen = inner.parse(shape);
      const sink: Sink = chosen.spec.create(chosen.config as never, fakeContext().context);
      const log = new SettleLog();
      const sent = contents.map((content, token) => log.message(JSON.stringify({ ...content, token }), { token }));
      const half = Math.ceil(sent.length / 2);
      sink.write(batchOf(...sent.slice(0, half)));
      sink.write(batchOf(...sent.slice(half)));
      inOrder(arrived);
      // Settled in any order, the fallbacks of those that fail among them.
      for (let open = arrived.splice(0); open.length > 0; ) {
        const at = picks.next().value % open.length;
        const [one] = open.splice(at, 1);
        if (acks.next().value) one?.message.ack();
        else one?.message.nack(new TidegateError('TG_RECORD_REFUSED', 'by the test'));
        await settled();
        open.push(...arrived.splice(0));
      }
      assert.deepEqual(log.notOnce(sent.length), []);
    }),
    { numRuns: 150 },
  );
});

/** Messages come to each sink in the order of the source. */
function inOrder(arrived: readonly Arrived[]): void {
  const last = new Map<number, number>();
  for (const { leaf, message } of arrived) {
    const { token } = message.json as { token: number };
    assert.ok(token > (last.get(leaf) ?? -1), `${token} came to sink ${leaf} behind ${last.get(leaf)}`);
    last.set(leaf, token);
  }
}
