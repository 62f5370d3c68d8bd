import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readAll } from '../../src/testing/contract/fixture.ts';
import { keyed, outcome, recoveryRig, TOPIC } from '../unit/channels/recovery-rig.ts';

const request = fc.record({ key: fc.constantFrom('A', 'B', 'C'), since: fc.nat(40), span: fc.nat(45) });

test('each client gets the records of its channel that the log still has, in order, whatever is compacted', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('A', 'B', 'C', 'D'), { maxLength: 40 }),
      fc.nat(40),
      fc.array(request, { minLength: 1, maxLength: 20 }),
      async (keys, before, requests) => {
        const { memory, ask } = await recoveryRig(t, { config: { 'cleanup.policy': 'compact' } });
        await memory.append(TOPIC, keyed(keys.slice(0, before)));
        await memory.maintain();
        await memory.append(TOPIC, keyed(keys.slice(before), Math.min(before, keys.length)));
        const left = await readAll(t, memory, TOPIC);
        const asked = requests.map(({ key, since, span }) => {
          const until = Math.min(since + span, keys.length);
          const records = left.filter(
            (record) => record.key?.toString() === key && record.offset >= since && record.offset < until,
          );
          return { expected: records.map(({ text }) => text), got: outcome(ask(key, since, until)) };
        });
        for (const { expected, got } of asked) assert.deepEqual(await got, expected);
      },
    ),
    { numRuns: 40 },
  );
});
