import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import { LeasedSink } from '../../../src/actors/leased-sink.ts';
import { Batch } from '../../../src/core/batch.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';

/** A sink behind a lease that the test gives and takes. */
function leased() {
  const written: string[] = [];
  const refused = new Set(['never']);
  const lease = {
    isHeld: true,
    changed$: new Subject<void>(),
    refused,
    refusal: ({ text }: Message) => (refused.has(text) ? new TidegateError('TG_STOPPING', 'too late') : undefined),
  };
  const sink = new LeasedSink(
    {
      open: async () => {},
      write: (batch) => {
        for (const message of batch.messages) written.push(message.text);
        batch.ack();
      },
      idle: true,
      idle$: new Subject<void>(),
      close: async () => {},
    },
    lease,
    () => {},
  );
  const failures: string[] = [];
  const whenSettled: (() => void)[] = [];
  const settled = (_: Message, failure: TidegateError | null) => {
    if (failure !== null) failures.push(failure.code);
    for (const listener of whenSettled) listener();
  };
  const batch = (text: string) => new Batch([new Message(Buffer.from(text), { target: { settled } })]);
  return { sink, lease, written, failures, batch, whenSettled };
}

test('nothing is written while the lease is gone, and all of it in order once it is back', async () => {
  const { sink, lease, written, batch } = leased();
  await sink.open();
  sink.write(batch('1'));
  lease.isHeld = false;
  sink.write(batch('2'));
  sink.write(batch('3'));
  lease.changed$.next();
  assert.deepEqual([written, sink.idle], [['1'], false]);
  lease.isHeld = true;
  sink.write(batch('4'));
  assert.deepEqual(written, ['1'], 'nothing overtakes what waits');
  lease.changed$.next();
  assert.deepEqual([written, sink.idle], [['1', '2', '3', '4'], true]);
});

test('what waits for a lease that does not come back is never written', async () => {
  const { sink, lease, written, failures, batch } = leased();
  await sink.open();
  lease.isHeld = false;
  sink.write(batch('1'));
  await sink.close();
  lease.isHeld = true;
  lease.changed$.next();
  assert.deepEqual([written, failures], [[], ['TG_STOPPING']]);
});

test('a message that may never be written is refused, while the lease is held and while it is not', async () => {
  const { sink, lease, written, failures, batch } = leased();
  await sink.open();
  sink.write(batch('never'));
  lease.isHeld = false;
  sink.write(batch('1'));
  sink.write(batch('perhaps'));
  sink.write(batch('2'));
  assert.deepEqual([written, failures], [[], ['TG_STOPPING']]);
  lease.refused.add('perhaps');
  lease.changed$.next();
  assert.deepEqual([written, failures], [[], ['TG_STOPPING', 'TG_STOPPING']]);
  lease.isHeld = true;
  lease.changed$.next();
  assert.deepEqual(written, ['1', '2']);
});

test('what comes while the lease is being looked at lands behind what waits', async () => {
  const { sink, lease, written, batch, whenSettled } = leased();
  await sink.open();
  lease.isHeld = false;
  sink.write(batch('1'));
  sink.write(batch('2'));
  let next = 3;
  // The gate of the pipeline opens with each message that settles, and the source has more.
  whenSettled.push(() => {
    if (next < 6) sink.write(batch(String(next++)));
  });
  lease.isHeld = true;
  lease.changed$.next();
  assert.deepEqual(written, ['1', '2', '3', '4', '5']);
});
