import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NEVER } from 'rxjs';
import { Batch } from '../../../src/core/batch.ts';
import type { Sink } from '../../../src/core/component.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { RoutedSink } from '../../../src/gateway/routed-sink.ts';

/** A sink whose topics are created when the test says so. */
function rig() {
  const written: string[] = [];
  const asked = new Map<string, { created: () => void; failed: (error: Error) => void; signal: AbortSignal }>();
  const port = (name: string) => ({
    idle: true,
    idle$: NEVER,
    write: ({ messages }: Batch) => {
      written.push(`${name}: ${messages.map(({ text }) => text).join(' ')}`);
    },
  });
  const base: Sink = { ...port('base'), open: async () => {}, close: async () => {} };
  const sink = new RoutedSink(base, {
    topic: (name) => port(name),
    ensure: (name, signal) =>
      new Promise((created, failed) => {
        asked.set(name, { created, failed, signal });
      }),
  });
  return { sink, written, asked, turn: () => new Promise((resolve) => setImmediate(resolve)) };
}

const settled: string[] = [];

function messageTo(topic: string | undefined, text: string): Message {
  const target = {
    settled: (_message: Message, failure: TidegateError | null) => {
      settled.push(`${text}: ${failure?.code}`);
    },
  };
  return new Message(Buffer.from(text), { target, ...(topic === undefined ? {} : { topic }) });
}

describe('a routed sink', () => {
  test('writes to each topic in order, and what waits for a topic before what comes later', async () => {
    const { sink, written, asked, turn } = rig();
    sink.write(new Batch([messageTo('a', '1'), messageTo(undefined, '2'), messageTo('b', '3'), messageTo('a', '4')]));
    sink.write(new Batch([messageTo('a', '5')]));
    assert.deepEqual(written, ['base: 2']);
    asked.get('a')?.created();
    await turn();
    sink.write(new Batch([messageTo('a', '6'), messageTo('b', '7')]));
    assert.deepEqual(written, ['base: 2', 'a: 1 4 5', 'a: 6']);
    asked.get('b')?.created();
    await turn();
    assert.equal(written.at(-1), 'b: 3 7');
    assert.equal(asked.size, 2);
  });

  test('nacks what is for a topic that cannot be created, and tries again for the next message', async () => {
    const { sink, written, asked, turn } = rig();
    settled.length = 0;
    sink.write(new Batch([messageTo('a', '1')]));
    asked.get('a')?.failed(new TidegateError('TG_NOT_AUTHORIZED', 'no'));
    await turn();
    assert.deepEqual(settled, ['1: TG_NOT_AUTHORIZED']);
    sink.write(new Batch([messageTo('a', '2')]));
    asked.get('a')?.created();
    await turn();
    assert.deepEqual(written, ['a: 2']);
  });

  test('nacks what waits when it is closed, and writes nothing after that', async () => {
    const { sink, written, asked, turn } = rig();
    settled.length = 0;
    sink.write(new Batch([messageTo('a', '1')]));
    await sink.close();
    assert.deepEqual([settled, asked.get('a')?.signal.aborted], [['1: TG_STOPPING'], true]);
    asked.get('a')?.created();
    await turn();
    assert.deepEqual(written, []);
  });

  test('writes to at most 1,000 topics', () => {
    const { sink, asked } = rig();
    settled.length = 0;
    sink.write(new Batch(Array.from({ length: 1_001 }, (_, at) => messageTo(`t${at}`, String(at)))));
    assert.deepEqual([asked.size, settled], [1_000, ['1000: TG_MESSAGE_INVALID']]);
  });
});
