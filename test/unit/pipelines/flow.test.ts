import assert from 'node:assert/strict';
import { test } from 'node:test';
import { map, NEVER, Subject } from 'rxjs';
import { Batch } from '../../../src/core/batch.ts';
import type { Operator, Processor } from '../../../src/core/component.ts';
import type { GateLimits } from '../../../src/core/credit-gate.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import type { Message } from '../../../src/core/message.ts';
import { buildFlow, type Stage } from '../../../src/pipelines/flow.ts';
import { placedOperator } from '../../../src/pipelines/placed-operator.ts';
import { ProcessorMetrics } from '../../../src/pipelines/processor-metrics.ts';
import { compileStages } from '../../../src/pipelines/stages.ts';
import { processorsOf } from '../../../src/pipelines/step.ts';
import { defineOperator, defineProcessor, z } from '../../../src/sdk/index.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { HandClock } from '../core/hand-clock.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf, countingOptions, fakeContext, HandSink, inFlightOf, texts } from './parts.ts';

function setUp(stages: readonly Stage[] = [], limits?: GateLimits) {
  const source = new Subject<Batch>();
  const flush = new Subject<void>();
  const sink = new HandSink();
  const clock = new HandClock();
  const { inFlight, told } = inFlightOf(limits);
  const out: Message[][] = [];
  buildFlow(source, {
    inFlight,
    batch: { count: 100, bytes: 1_000_000, period: 60_000 },
    stages,
    sink,
    processing: countingOptions().options,
    flush$: flush,
    opened$: NEVER,
    clock,
  }).subscribe((batch) => out.push([...batch.messages]));
  return { source, flush, sink, clock, inFlight, told, out, log: new SettleLog() };
}

test('what comes in is admitted, batched, processed stage by stage, and comes out for the sink', () => {
  const mark = (sign: string) => (message: Message) => message.derive({ payload: Buffer.from(message.text + sign) });
  const { source, flush, inFlight, out, log } = setUp([
    { processors: [{ process: mark('1') }, { process: mark('2') }] },
    { operator: { place: 'processors[0].flow', apply: (batches$) => batches$ } },
    { processors: [{ process: mark('3') }] },
  ]);
  source.next(batchOf(log.message('a')));
  source.next(batchOf(log.message('b')));
  assert.deepEqual([out.length, inFlight.gate.messages], [0, 2]);
  flush.next();
  assert.deepEqual(out.map(texts), [['a123', 'b123']]);
  for (const message of out.flat()) message.ack();
  assert.deepEqual([log.outcomes, inFlight.gate.messages, inFlight.gate.bytes], [['ack', 'ack'], 0, 0]);
});

test('a batch of which nothing is left does not reach the sink, and its messages are filtered', () => {
  const { source, flush, out, log } = setUp([{ processors: [{ process: () => null }] }]);
  const message = log.message('a');
  source.next(batchOf(message));
  flush.next();
  assert.deepEqual([out, log.outcomes, message.outcome], [[], ['ack'], 'filtered']);
});

test('a frame that its codec refused fails before any processor sees it, and gives its credit back', () => {
  const seen: string[] = [];
  const see = (message: Message) => {
    seen.push(message.text);
    return message;
  };
  const { source, flush, inFlight, out, log, told } = setUp([{ processors: [{ process: see }] }]);
  const refused = log.message('no JSON');
  refused.refusal = new TidegateError('TG_MESSAGE_INVALID', 'refused');
  source.next(batchOf(log.message('a'), refused, log.message('b')));
  flush.next();
  assert.deepEqual([out.map(texts), seen, log.outcomes], [[['a', 'b']], ['a', 'b'], ['TG_MESSAGE_INVALID']]);
  assert.deepEqual(
    told.settled.map(([message, failure]) => [message, failure]),
    [[refused, refused.refusal]],
  );
  assert.equal(inFlight.gate.messages, 2);
});

test('a gate that shuts empties the open batch, with the messages that shut it', () => {
  const { source, told, out, log } = setUp([], { messages: 3, bytes: 1_000_000 });
  source.next(batchOf(...log.messages(2)));
  assert.deepEqual(out, []);
  source.next(batchOf(...log.messages(2)));
  assert.deepEqual(told.gate, [false]);
  assert.equal(out.flat().length, 4);
});

test('what a source still hands over while the gate is shut does not wait for the period either', () => {
  const { source, told, out, log, clock } = setUp([], { messages: 1, bytes: 1_000_000 });
  source.next(batchOf(log.message('a')));
  source.next(batchOf(log.message('b')));
  assert.deepEqual(out.map(texts), [['a'], ['b']]);
  assert.equal(clock.pending, 0);
  for (const message of out.flat()) message.ack();
  assert.deepEqual(told.gate, [false, true]);
});

test('the gate counts what a message was when it came in, whatever it becomes', () => {
  const { source, flush, inFlight, out, log } = setUp([
    { processors: [{ process: (message) => message.derive({ payload: Buffer.alloc(10_000) }) }] },
  ]);
  source.next(batchOf(log.message('abc')));
  assert.equal(inFlight.gate.bytes, 3 + 256);
  flush.next();
  out[0]?.[0]?.ack();
  assert.equal(inFlight.gate.bytes, 0);
});

test('nackAll settles what is in flight in whatever step, and credits come back', () => {
  const { source, flush, inFlight, told, out, log } = setUp([
    { processors: [{ process: (message) => message.derive({ key: 'k' }) }] },
  ]);
  source.next(batchOf(...log.messages(2)));
  flush.next();
  source.next(batchOf(log.message('open', { token: 2 })));
  out[0]?.[0]?.ack();
  inFlight.nackAll(new TidegateError('TG_FLOW_FAILED', 'broke'));
  assert.deepEqual(
    [...log.byToken],
    [
      [0, ['ack']],
      [1, ['TG_FLOW_FAILED']],
      [2, ['TG_FLOW_FAILED']],
    ],
  );
  assert.deepEqual([inFlight.size, inFlight.gate.messages, inFlight.gate.bytes, told.emptied], [0, 0, 0, 1]);
  for (const message of out.flat()) message.ack();
  assert.deepEqual([log.outcomes.length, inFlight.gate.messages], [3, 0]);
});

test('a plugin whose create throws, or gives no processor, is refused with its place and name', () => {
  const { context } = fakeContext();
  const compile = (create: () => unknown) => () => {
    const spec = defineProcessor({
      name: 'mine',
      summary: 'Mine.',
      config: z.strictObject({}),
      examples: [],
      create: create as () => Processor,
    });
    compileStages([{ spec, config: {} }], { contextOf: (place) => ({ ...context, path: `pipelines.in.${place}` }) });
  };
  const refusal = (message: RegExp) => ({ code: 'TG_PLUGIN_CREATE_FAILED', message });
  const throwing = () => {
    throw new Error('no database');
  };
  assert.throws(
    compile(throwing),
    refusal(/^pipelines\.in\.processors\[0\]: the processor mine cannot be made: no database$/),
  );
  assert.throws(
    compile(() => ({ proces() {} })),
    refusal(/no object with a function process/),
  );
  assert.throws(
    compile(() => undefined),
    refusal(/no object with a function process/),
  );
});

test('an operator whose create gives none is refused with its place and name', () => {
  const { context } = fakeContext();
  for (const made of [undefined, {}, { aply() {} }, 'text']) {
    const create = (() => made) as unknown as () => Operator;
    const spec = defineOperator({
      name: 'mine',
      summary: 'Mine.',
      config: z.strictObject({}),
      examples: [],
      stateful: false,
      create,
    });
    assert.throws(
      () => compileStages([{ spec, config: {} }], { contextOf: (place) => ({ ...context, path: `p.${place}` }) }),
      /^TidegateError: p\.processors\[0\]: the operator mine cannot be made: .* function apply, partition or pair$/,
    );
  }
});

test('a label takes the place of the place, for processors, operators and what is within try', () => {
  const processor = defineProcessor({
    name: 'same',
    summary: 'Passes on.',
    config: z.strictObject({}),
    examples: [{}],
    create: () => ({ process: (message) => message }),
  });
  const operator = defineOperator({
    name: 'through',
    summary: 'Passes on.',
    config: z.strictObject({}),
    examples: [{}],
    stateful: false,
    create: () => ({ apply: (batches$) => batches$ }),
  });
  const { context } = fakeContext();
  const measured: string[] = [];
  const labelled = { spec: processor, config: {}, label: 'mine' };
  const stages = compileStages(
    [
      { attempt: [labelled], rescue: [] },
      { spec: operator, config: {}, label: 'ours' },
    ],
    {
      contextOf: () => context,
      metricsOf: (place) => {
        measured.push(place);
        return new ProcessorMetrics(createStats(), 'in', place);
      },
    },
  );
  assert.deepEqual(
    stages.flatMap((stage) =>
      'processors' in stage
        ? processorsOf(stage.processors).map(({ place }) => place)
        : 'operator' in stage
          ? [stage.operator.place]
          : [],
    ),
    ['mine', 'ours'],
  );
  assert.deepEqual(measured, ['mine', 'processors[0].try', 'ours']);
});

test('what an operator throws, or gives that is no batch, ends the flow with its place', async () => {
  const endOf = (apply: Operator['apply'], foreign?: Error): Promise<unknown> =>
    new Promise((resolve) => {
      const source = new Subject<Batch>();
      const operator = { place: 'processors[0].mine', apply };
      placedOperator(source, operator, countingOptions().options).subscribe({ error: resolve });
      source.next(batchOf(new SettleLog().message('a')));
      if (foreign !== undefined) source.error(foreign);
    });
  const cases: readonly [apply: unknown, reason: RegExp][] = [
    [() => undefined, /^TidegateError: processors\[0\]\.mine: You provided 'undefined' where a stream was expected/],
    [
      () => {
        throw new Error('no room');
      },
      /^TidegateError: processors\[0\]\.mine: no room$/,
    ],
    [(batches$: Subject<Batch>) => batches$.pipe(map(() => 5)), /\.mine: it gave something that is not a Batch$/],
  ];
  for (const [apply, reason] of cases) assert.match(String(await endOf(apply as Operator['apply'])), reason);
  assert.equal(String(await endOf((batches$) => batches$, new Error('of the source'))), 'Error: of the source');
});

test('neighbouring processors make one stage, an operator one of its own', () => {
  const processor = defineProcessor({
    name: 'same',
    summary: 'Same.',
    config: z.strictObject({}),
    examples: [],
    create: (_, { path }) => ({ process: (message) => message.derive({ payload: Buffer.from(message.text + path) }) }),
  });
  const operator = defineOperator({
    name: 'flow',
    summary: 'Same.',
    config: z.strictObject({}),
    examples: [],
    stateful: false,
    create: () => ({ apply: (batches$) => batches$ }),
  });
  const { context } = fakeContext();
  const entries = [processor, processor, operator, processor].map((spec) => ({ spec, config: {} }));
  const stages = compileStages(entries, { contextOf: (place) => ({ ...context, path: /\d/.exec(place)?.[0] ?? '' }) });
  assert.deepEqual(
    stages.map((stage) =>
      'processors' in stage ? [stage.processors.length, stage.processors.map(({ place }) => place)] : 'operator',
    ),
    [[2, ['processors[0].same', 'processors[1].same']], 'operator', [1, ['processors[3].same']]],
  );
  const { source, flush, out, log } = setUp(stages);
  source.next(new Batch([log.message('')]));
  flush.next();
  assert.deepEqual(out.map(texts), [['013']]);
});
