import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pipeline } from '../../../src/actors/pipeline/pipeline.ts';
import { loadConfig, type PipelineConfig } from '../../../src/config/index.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { PipelineSet } from '../../../src/gateway/pipeline-set.ts';
import { keptLogger, turn } from '../actors/rig.ts';

const TEXT = `
log: { driver: embedded, embedded: { memory: true } }
listeners: { public: { port: 0 } }
endpoints: { rooms: { listener: public, path: /ws, codec: envelope } }
pipelines:
  in: { source: { endpoint: rooms }, sink: { topic: { name: orders } } }
  copy: { source: { topic: { names: [ orders ], group: copies } }, sink: { topic: { name: copies } } }
`;

/** Pipelines that note what is done with them, and drain at once. */
async function setUp(failing = '') {
  const { config } = await loadConfig({ text: TEXT, name: 'test' });
  const orders: string[] = [];
  const ended: string[] = [];
  const state = { failing };
  const kept = keptLogger();
  const create = (name: string, { batch }: PipelineConfig) => {
    if (name === state.failing) throw new TidegateError('TG_CONFIG_INVALID', `${name} is wrong`);
    const order = (what: string) => void orders.push(`${what} ${name} of ${batch.count}`);
    order('create');
    const pipeline = {
      name,
      start: () => order('start'),
      drained: async () => order('drain'),
      close: async () => order('close'),
    } as unknown as Pipeline;
    return { pipeline, ended: () => ended.push(name) };
  };
  const set = new PipelineSet(create, kept.logger);
  const { in: entry, copy } = config.pipelines as Record<'in' | 'copy', PipelineConfig>;
  const larger = { ...entry, batch: { ...entry.batch, count: 900 } };
  return { set, state, entry, copy, larger, ended, orders: () => orders.splice(0), ...kept };
}

test('pipelines are created with the configuration, and run once they are started', async () => {
  const { set, entry, copy, orders } = await setUp();
  set.apply({ in: entry, copy });
  assert.deepEqual(orders(), ['create in of 500', 'create copy of 500']);
  assert.deepEqual(
    set.all.map(({ name }) => name),
    ['in', 'copy'],
  );
  set.start();
  assert.deepEqual(orders(), ['start in of 500', 'start copy of 500']);
});

test('what is left of a pipeline ends with it, before another one has its name', async () => {
  const { set, entry, copy, larger, ended, orders } = await setUp();
  set.apply({ in: entry, copy });
  set.start();
  set.apply({ in: larger });
  assert.deepEqual(ended, []);
  await turn();
  assert.deepEqual(ended.sort(), ['copy', 'in']);
  assert.deepEqual(
    orders().filter((order) => order.startsWith('create')),
    ['create in of 500', 'create copy of 500', 'create in of 900'],
  );
});

test('another configuration changes what differs between the two, and nothing else', async () => {
  const { set, entry, copy, larger, orders } = await setUp();
  set.apply({ in: entry, copy });
  set.start();
  orders();
  assert.deepEqual(set.apply({ in: larger, copy, more: entry }), { added: ['more'], replaced: ['in'], removed: [] });
  await turn();
  const done = orders().filter((order) => !order.startsWith('start copy'));
  assert.deepEqual(done.slice(0, 3), ['drain in of 500', 'create more of 500', 'start more of 500']);
  assert.deepEqual(done.slice(3, 5), ['close in of 500', 'create in of 900']);
  assert.ok(done.includes('start in of 900'));
  assert.deepEqual(set.apply({ copy }), { added: [], replaced: [], removed: ['more', 'in'] });
  await turn();
  assert.deepEqual(
    set.all.map(({ name }) => name),
    ['copy'],
  );
});

test('a stop drains members of groups first, then the others, and closes them at the end', async () => {
  const { set, entry, copy, orders } = await setUp();
  set.apply({ in: entry, copy });
  set.start();
  orders();
  await set.membersDrained();
  assert.deepEqual(orders(), ['drain copy of 500']);
  await set.othersDrained();
  assert.deepEqual(orders(), ['drain in of 500']);
  await set.close();
  assert.deepEqual(orders(), ['close in of 500', 'close copy of 500']);
  assert.equal(set.all.length, 2);
});

test('what a component throws reaches who applies a configuration', async () => {
  const { set, entry } = await setUp('in');
  assert.throws(() => set.apply({ in: entry }), /in is wrong/);
});

test('a successor that cannot be created is logged, and the process lives', async () => {
  const { set, entry, larger, state, errors } = await setUp();
  set.apply({ in: entry });
  set.start();
  state.failing = 'in';
  set.apply({ in: larger });
  await turn();
  assert.deepEqual(errors(), ['a pipeline cannot be created with its new settings: in is wrong']);
  assert.deepEqual(set.all, []);
});
