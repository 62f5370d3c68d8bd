import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import { MergedSource } from '../../../src/actors/pipeline/merged-source.ts';
import { sourceMetrics } from '../../../src/actors/pipeline/metrics.ts';
import { Batch } from '../../../src/core/batch.ts';
import { Message } from '../../../src/core/message.ts';
import { createStats } from '../../../src/telemetry/stats.ts';

function merged(limits: { messages: number; bytes: number }, count = 2) {
  const stats = createStats();
  const parts = Array.from({ length: count }, (_, at) => {
    const orders: string[] = [];
    const batches$ = new Subject<Batch>();
    const source = {
      batches$,
      open: async () => void orders.push('open'),
      pause: () => void orders.push('pause'),
      resume: () => void orders.push('resume'),
      close: async () => void orders.push('close'),
    };
    return { orders, batches$, listed: { source, metrics: sourceMetrics(stats, 'p', `source[${at}]`) } };
  });
  const source = new MergedSource(
    parts.map(({ listed }) => listed),
    limits,
  );
  const seen: Message[] = [];
  const reading = source.batches$.subscribe(({ messages }) => seen.push(...messages));
  const emit = (at: number, ...texts: string[]) => {
    const messages = texts.map((text) => new Message(Buffer.from(text)));
    parts[at]?.batches$.next(new Batch(messages));
    return messages;
  };
  return { source, parts, seen, emit, reading, stats };
}

const MANY = { messages: 8, bytes: 1_000_000 };

test('a source that has used up its share is paused, and the others go on', async () => {
  const { source, parts, emit, seen, stats } = merged(MANY);
  await source.open();
  const first = emit(0, 'a', 'b', 'c', 'd');
  emit(1, 'x');
  assert.deepEqual(
    parts.map(({ orders }) => orders),
    [['open', 'pause'], ['open']],
  );
  assert.deepEqual(
    seen.map(({ origin, text }) => `${origin} ${text}`),
    ['0 a', '0 b', '0 c', '0 d', '1 x'],
  );
  for (const message of first.slice(0, 2)) source.settled(message);
  assert.deepEqual(parts[0]?.orders, ['open', 'pause', 'resume']);
  assert.equal(stats.counter('tidegate_source_received_total', { pipeline: 'p', source: 'source[0]' }).value, 4);
});

test('a derived message settles the share of its source, and one that no source gave settles none', async () => {
  const { source, parts, emit } = merged(MANY);
  await source.open();
  const [a, b] = emit(0, 'a', 'b', 'c', 'd');
  source.settled(new Message(Buffer.from('made here')));
  assert.deepEqual(parts[0]?.orders, ['open', 'pause']);
  for (const message of [a, b]) if (message !== undefined) source.settled(message.derive({ key: 'k' }));
  assert.deepEqual(parts[0]?.orders, ['open', 'pause', 'resume']);
});

test('a pipeline that holds, drains or broke resumes no source because its share is free again', async () => {
  const { source, parts, emit, reading } = merged(MANY);
  const orders = parts[0]?.orders ?? [];
  await source.open();
  const held = emit(0, 'a', 'b', 'c', 'd');
  source.pause();
  for (const message of held) source.settled(message);
  assert.deepEqual(orders, ['open', 'pause', 'pause']);
  source.resume();
  assert.equal(orders.at(-1), 'resume');
  const broken = emit(0, 'e', 'f', 'g', 'h');
  reading.unsubscribe();
  for (const message of broken) source.settled(message);
  assert.equal(orders.at(-1), 'pause');
  await source.close();
  assert.equal(orders.at(-1), 'close');
});

test('resume leaves a source alone that has used up its share', async () => {
  const { source, parts, emit } = merged(MANY);
  await source.open();
  emit(0, 'a', 'b', 'c', 'd');
  source.pause();
  source.resume();
  assert.equal(parts[0]?.orders.at(-1), 'pause');
  assert.equal(parts[1]?.orders.at(-1), 'resume');
});
