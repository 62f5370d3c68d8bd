import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import type { Batch } from '../../../src/core/batch.ts';
import { Message, type MessageInit } from '../../../src/core/message.ts';
import { ConcurrentStage, type OrderBy } from '../../../src/pipelines/concurrent.ts';
import { compileStages } from '../../../src/pipelines/stages.ts';
import { defineProcessor, z } from '../../../src/sdk/index.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf, countingOptions, fakeContext, settled, texts } from './parts.ts';

/** A stage whose processor is done with a message when the test says so. */
function stageOf(limit = 3, orderBy: OrderBy = 'key') {
  const source = new Subject<Batch>();
  const pending = new Map<string, () => void>();
  const process = (message: Message) =>
    message.text.startsWith('!')
      ? message
      : new Promise<Message>((resolve) => pending.set(message.text, () => resolve(message)));
  const out: string[][] = [];
  const stage = new ConcurrentStage({ process }, limit, orderBy);
  const open = () =>
    stage.apply(source, countingOptions().options).subscribe((batch) => out.push(texts(batch.messages)));
  const subscription = open();
  const log = new SettleLog();
  const send = (...messages: readonly (readonly [text: string, init?: MessageInit])[]) =>
    source.next(
      batchOf(...messages.map(([text, init = {}]) => new Message(Buffer.from(text), { target: log, ...init }))),
    );
  const done = async (...names: readonly string[]) => {
    for (const name of names) {
      const resolve = pending.get(name) ?? assert.fail(`${name} was not started`);
      pending.delete(name);
      resolve();
    }
    await settled();
    await settled();
  };
  return { source, send, done, out, pending, subscription, open };
}

const key = (text: string) => ({ key: text });

test('messages of other keys do not wait for one that takes its time; those of its key do', async () => {
  const { send, done, out } = stageOf();
  send(['a1', key('a')], ['a2', key('a')], ['b1', key('b')]);
  await done('b1');
  assert.deepEqual(out, [['b1']]);
  await done('a2');
  assert.deepEqual(out, [['b1']]);
  await done('a1');
  assert.deepEqual(out, [['b1'], ['a1', 'a2']]);
});

test('what needs no waiting goes on at once as one batch, behind what its key waits for', async () => {
  const { send, done, out } = stageOf();
  send(['!1', key('a')], ['!2', key('b')]);
  assert.deepEqual(out, [['!1', '!2']]);
  send(['a', key('a')], ['!3', key('a')], ['!4', key('b')]);
  assert.deepEqual(out.at(-1), ['!4']);
  await done('a');
  assert.deepEqual(out.at(-1), ['a', '!3']);
});

test('records without a key stay in the order of their partition', async () => {
  const { send, done, out } = stageOf(4);
  const at = (partition: number) => ({ topic: 't', partition });
  send(['p0', at(0)], ['p1', at(1)], ['p0 again', at(0)]);
  await done('p0 again', 'p1');
  assert.deepEqual(out, [['p1']]);
  await done('p0');
  assert.deepEqual(out, [['p1'], ['p0', 'p0 again']]);
});

test('frames without a key stay in the order of their client, also where they were split', async () => {
  const { source, done, out } = stageOf(4);
  const from = (clientId: string, text: string) =>
    new Message(Buffer.from(text), { target: { sender: { clientId, endpoint: 'e', params: {} }, settled: () => {} } });
  const [ada, again] = from('ada', 'x').split([{ payload: Buffer.from('ada') }, { payload: Buffer.from('again') }]);
  source.next(batchOf(ada as Message, from('bob', 'bob'), again as Message));
  await done('again', 'bob');
  assert.deepEqual(out, [['bob']]);
  await done('ada');
  assert.deepEqual(out, [['bob'], ['ada', 'again']]);
});

test('in front of an operator a key does not matter', async () => {
  const { send, done, out } = stageOf(4, 'origin');
  send(['a', { ...key('a'), topic: 't', partition: 0 }], ['b', { ...key('b'), topic: 't', partition: 0 }]);
  await done('b');
  assert.deepEqual(out, []);
  await done('a');
  assert.deepEqual(out, [['a', 'b']]);
});

test('processors are counted as busy also where their flow has ended', async () => {
  const { send, done, out, pending, subscription, open } = stageOf(2);
  send(['old 1', key('a')], ['old 2', key('b')]);
  subscription.unsubscribe();
  open();
  send(['new', key('a')]);
  assert.deepEqual([...pending.keys()], ['old 1', 'old 2']);
  await done('old 1');
  await done('new');
  assert.deepEqual(out, [['new']]);
});

test('a concurrency that is no whole number from 1 on is refused with the place', () => {
  for (const concurrency of [0, 1.5, Number.NaN]) {
    const spec = defineProcessor({
      name: 'odd',
      summary: 'x',
      config: z.strictObject({}),
      examples: [],
      create: () => ({ concurrency, process: (message) => message }),
    });
    assert.throws(
      () => compileStages([{ spec, config: {} }], { contextOf: () => fakeContext().context }),
      /pipelines\.p\.x: the processor odd cannot be made: its create returned a processor whose concurrency is /,
    );
  }
});

test('neighbours of a concurrent processor stay one stage each, and without one all are one stage', () => {
  const spec = (concurrency?: number) =>
    defineProcessor({
      name: 'one',
      summary: 'x',
      config: z.strictObject({}),
      examples: [],
      create: () => ({ ...(concurrency === undefined ? {} : { concurrency }), process: (message) => message }),
    });
  const shapeOf = (...concurrencies: (number | undefined)[]) =>
    compileStages(
      concurrencies.map((each) => ({ spec: spec(each), config: {} })),
      { contextOf: () => fakeContext().context },
    ).map((stage) => ('processors' in stage ? `${stage.processors.length}${stage.concurrent ? '*' : ''}` : '?'));
  assert.deepEqual(shapeOf(undefined, 1, undefined), ['3']);
  assert.deepEqual(shapeOf(undefined, undefined, 4, undefined, undefined), ['2', '1*', '2']);
});

test('a batch that comes while another is being processed waits until that one has been handed on', () => {
  const source = new Subject<Batch>();
  const log = new SettleLog();
  const message = (text: string) => log.message(text, { key: 'a' });
  const process = (one: Message) => {
    if (one.text === '1') source.next(batchOf(message('3')));
    return one;
  };
  const out: string[] = [];
  new ConcurrentStage({ process }, 2, 'key')
    .apply(source, countingOptions().options)
    .subscribe((batch) => out.push(...texts(batch.messages)));
  source.next(batchOf(message('1'), message('2')));
  assert.deepEqual(out, ['1', '2', '3']);
});

test('a source that ends leaves the messages their answers, and the stage ends behind the last of them', async () => {
  const { source, send, done, out, subscription } = stageOf(1);
  send(['a1', key('a')], ['b1', key('b')]);
  source.complete();
  assert.equal(subscription.closed, false);
  await done('a1');
  await done('b1');
  assert.deepEqual([out, subscription.closed], [[['a1'], ['b1']], true]);
});
