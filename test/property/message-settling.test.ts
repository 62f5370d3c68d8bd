import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TidegateError } from '../../src/core/errors.ts';
import type { Message } from '../../src/core/message.ts';
import { SettleLog } from '../unit/core/settle-log.ts';

const FAILURE = new TidegateError('TG_PROCESSOR_FAILED', 'no');

type Step =
  | { readonly do: 'derive' | 'ack' | 'nack'; readonly of: number }
  | { readonly do: 'split'; readonly of: number; readonly parts: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('derive' as const, 'ack' as const, 'nack' as const), of: fc.nat() }),
  fc.record({ do: fc.constant('split' as const), of: fc.nat(), parts: fc.nat(4) }),
);

test('a message settles once, whatever is derived from it, split from it and settled in whatever order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const log = new SettleLog();
      const first = log.message('a');
      const all: Message[] = [first];
      for (const each of steps) {
        const message = all[each.of % all.length] as Message;
        if (each.do === 'derive') all.push(message.derive({ payload: Buffer.from('d') }));
        else if (each.do === 'split')
          all.push(...message.split(Array.from({ length: each.parts }, () => ({ payload: Buffer.from('p') }))));
        else if (each.do === 'ack') message.ack();
        else message.nack(FAILURE);
        assert.ok(log.outcomes.length <= 1, 'settled more than once');
        assert.equal(first.isSettled, log.outcomes.length === 1);
      }
      for (const message of all) message.ack();
      assert.equal(log.outcomes.length, 1);
      assert.ok(all.every((message) => message.isSettled));
    }),
    { numRuns: 500 },
  );
});

test('a message of which every last descendant was acked is acked, and one nack among them nacks it', () => {
  const tree = fc.letrec<{ node: readonly unknown[] }>((tie) => ({
    node: fc.array(fc.oneof({ maxDepth: 4 }, fc.boolean(), tie('node')), { minLength: 1, maxLength: 4 }),
  })).node;
  fc.assert(
    fc.property(tree, (root) => {
      const log = new SettleLog();
      let nacked = false;
      const settle = (message: Message, node: readonly unknown[]) => {
        const parts = message.split(node.map(() => ({ payload: Buffer.from('p') })));
        for (const [index, part] of parts.entries()) {
          const below = node[index];
          if (Array.isArray(below)) settle(part.derive({ key: 'k' }), below);
          else if (below === true) part.ack();
          else {
            nacked = true;
            part.nack(FAILURE);
          }
        }
      };
      settle(log.message('a'), root);
      assert.deepEqual(log.outcomes, [nacked ? 'TG_PROCESSOR_FAILED' : 'ack']);
    }),
  );
});
