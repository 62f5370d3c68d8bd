import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from 'rxjs';
import type { ErrorCode } from '../../../src/core/errors.ts';
import type { ConnectedContext } from '../../../src/sdk/context.ts';
import type { Kind } from '../../../src/sdk/define.ts';
import { defineSink, makeInnerSink, TidegateError, z } from '../../../src/sdk/index.ts';
import { makeComponent } from '../../../src/sdk/make.ts';
import { HandClock } from '../core/hand-clock.ts';
import { fakeContext, settled } from '../pipelines/parts.ts';

const PLUGIN = './my.mjs';

/** Makes what a plugin's `create` gives. */
function made(kind: Kind, create: (config: unknown, context: ConnectedContext) => unknown, more: object = {}) {
  const { context } = fakeContext();
  const clock = new HandClock();
  const spec = { kind, name: 'mine', plugin: PLUGIN, create, ...more };
  return { clock, component: () => makeComponent(spec, {}, { ...context, clock, path: 'pipelines.p.x' }) };
}

const failing = (code: ErrorCode, message: string) => (error: unknown) => {
  assert.ok(error instanceof TidegateError);
  assert.deepEqual([error.code, error.message], [code, message]);
  return true;
};

const SOURCE = { batches$: NEVER, open: async () => {}, pause() {}, resume() {}, close: async () => {} };
const SINK = { idle: true, idle$: NEVER, open: async () => {}, write() {}, close: async () => {} };

const nonsense: readonly (readonly [Kind, unknown, string])[] = [
  ['processor', undefined, 'no object with a function process(message)'],
  ['processor', { proces() {} }, 'no object with a function process(message)'],
  [
    'processor',
    { process() {}, concurrency: 0.5 },
    'a processor whose concurrency is 0.5, and not a whole number from 1 on',
  ],
  ['operator', {}, 'no object with a function apply, partition or pair'],
  ['source', 'text', 'no object with the functions open, pause, resume, close'],
  ['source', { ...SOURCE, pause: undefined }, 'an object without the functions pause'],
  ['source', { ...SOURCE, batches$: [] }, 'an object whose batches$ is no observable'],
  ['sink', null, 'no object with the functions open, write, close'],
  ['sink', { ...SINK, write: 1, close: 2 }, 'an object without the functions write, close'],
  ['sink', { ...SINK, idle$: undefined }, 'an object whose idle$ is no observable'],
  ['codec', { open() {}, frame() {}, settled() {} }, 'an object without the functions record, dropped'],
];

for (const [kind, given, what] of nonsense) {
  test(`a ${kind} whose create returned ${what} is refused with plugin and place`, () => {
    assert.throws(
      made(kind, () => given).component,
      failing(
        'TG_PLUGIN_CREATE_FAILED',
        `pipelines.p.x: the ${kind} mine of ./my.mjs cannot be made: its create returned ${what}`,
      ),
    );
  });
}

test('a component that is still to come is refused, and what becomes of its promise ends nothing', async () => {
  const refused = failing(
    'TG_PLUGIN_CREATE_FAILED',
    'pipelines.p.x: the processor mine of ./my.mjs cannot be made: its create returned a promise; make the component at once, and wait in its open()',
  );
  assert.throws(made('processor', () => Promise.reject(new Error('late'))).component, refused);
  await new Promise(setImmediate);
});

test('an error that create throws has its place; a TidegateError stays what it is', () => {
  const throwing = (error: unknown) =>
    made('sink', () => {
      throw error;
    }).component;
  assert.throws(
    throwing(new Error('no database')),
    failing('TG_PLUGIN_CREATE_FAILED', 'pipelines.p.x: the sink mine of ./my.mjs cannot be made: no database'),
  );
  assert.throws(throwing(new TidegateError('TG_CONFIG_INVALID', 'no')), failing('TG_CONFIG_INVALID', 'no'));
});

test('a component gets what every one gets, and the ports that it needs', () => {
  const seen: string[][] = [];
  const look = (_: unknown, context: ConnectedContext) => {
    seen.push(Object.keys(context).sort(), Object.keys(context.gateway));
    return SINK;
  };
  made('sink', look, { needs: ['dial', 'topic'] }).component();
  assert.deepEqual(seen, [
    ['clock', 'gateway', 'logger', 'path', 'signal', 'state', 'stats', 'tracer'],
    ['topic', 'dial'],
  ]);
});

test('a port that the definition does not name says how to name it', () => {
  const uses = (_: unknown, { gateway }: ConnectedContext) => {
    gateway.topic('orders');
    return SINK;
  };
  assert.throws(
    made('sink', uses, { needs: ['dial'] }).component,
    failing(
      'TG_PLUGIN_CREATE_FAILED',
      "the sink mine uses gateway.topic, which its definition does not name; add it: needs: [ 'topic' ]",
    ),
  );
  assert.equal(made('sink', uses, { needs: ['topic'] }).component(), SINK);
});

test('a sink within another one gets what it needs itself', () => {
  const inner = defineSink({
    name: 'inner',
    summary: 'A sink.',
    config: z.strictObject({}),
    examples: [{}],
    reaches: 'records',
    needs: ['topic'],
    create: (_, { gateway, path }) => {
      assert.equal(path, 'pipelines.p.x.one');
      return { ...SINK, ...gateway.topic('orders') };
    },
  });
  const outer = made('sink', (_, context) => makeInnerSink({ spec: inner, config: {} }, context, 'one'));
  assert.equal(typeof (outer.component() as typeof SINK).write, 'function');
});

test('a component of a plugin that does not open in time fails, and may be opened again', async () => {
  let opens: () => void = () => {};
  const tries: number[] = [];
  const hanging = {
    ...SOURCE,
    open: () => {
      tries.push(1);
      return new Promise<void>((resolve) => {
        opens = resolve;
      });
    },
  };
  const { clock, component } = made('source', () => hanging);
  const source = component() as typeof SOURCE;
  const opening = source.open();
  clock.advance(59_999);
  await settled();
  clock.advance(1);
  await assert.rejects(
    opening,
    failing(
      'TG_PLUGIN_OPEN_TIMEOUT',
      'pipelines.p.x: the source mine of ./my.mjs has not opened within 60 s; say in open() how long it may wait for what it needs',
    ),
  );
  const again = source.open();
  opens();
  await again;
  assert.equal(tries.length, 2);
});

test('an open that fails keeps its error, and a component of ours may take its time', async () => {
  const failingOpen = { ...SOURCE, open: () => Promise.reject(new Error('no server')) };
  await assert.rejects((made('source', () => failingOpen).component() as typeof SOURCE).open(), /^Error: no server$/);
  const { clock, component } = made('source', () => ({ ...SOURCE, open: () => new Promise(() => {}) }), {
    plugin: undefined,
  });
  void (component() as typeof SOURCE).open();
  assert.equal(clock.pending, 0);
});

test('the open of a codec is that of a connection, and stays as it is', () => {
  const opened = { state: null, effects: [] };
  const codec = { open: () => opened, frame() {}, settled() {}, record() {}, dropped() {} };
  assert.equal((made('codec', () => codec).component() as typeof codec).open(), opened);
});
