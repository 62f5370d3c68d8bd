import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Processor } from '../../../src/core/component.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { ProcessorSet } from '../../../src/pipelines/processor-set.ts';

const process = (message: never) => message;

function setOf(...processors: readonly Partial<Processor>[]) {
  const steps = processors.map((one, index) => ({ process, place: `processors[${index}].p`, ...one }));
  return new ProcessorSet([{ processors: steps }]);
}

test('every processor is opened once, within try as well, however often the pipeline starts', async () => {
  const opened: string[] = [];
  const open = (name: string) => () => {
    opened.push(name);
  };
  const inner = (name: string) => ({ process, place: name, open: open(name) });
  const set = new ProcessorSet([
    { processors: [inner('a'), { attempt: [inner('b')], rescue: [inner('c'), { process }] }] },
    { operator: { place: 'processors[1].flow', apply: (flow$) => flow$ } },
  ]);
  await set.open();
  await set.open();
  assert.deepEqual(opened, ['a', 'b', 'c']);
});

test('an open that fails says which processor and why, keeps its code, and is tried again', async () => {
  let tries = 0;
  let others = 0;
  const open = async () => {
    tries += 1;
    if (tries === 1) throw new TidegateError('TG_PLUGIN_INVALID', 'no file');
  };
  const other = () => {
    others += 1;
  };
  const set = setOf({ open: other }, { open });
  await assert.rejects(set.open(), {
    code: 'TG_PLUGIN_INVALID',
    message: 'processors[1].p cannot start: no file',
  });
  await set.open();
  assert.deepEqual([tries, others], [2, 1]);
});

test('after an error of a plugin the pipeline starts again; all are closed, whatever one throws', async () => {
  const closed: string[] = [];
  const set = setOf(
    {
      open: () => {
        throw new Error('boom');
      },
      close: () => {
        throw new Error('stuck');
      },
    },
    { close: () => void closed.push('second') },
  );
  await assert.rejects(set.open(), { code: 'TG_FLOW_FAILED', message: 'processors[0].p cannot start: boom' });
  await set.close();
  assert.deepEqual(closed, ['second']);
});
