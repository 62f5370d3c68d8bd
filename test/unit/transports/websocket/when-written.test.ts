import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { whenWritten } from '../../../../src/transports/websocket/when-written.ts';

/** Takes one write with each `take`. */
class SlowStream extends Writable {
  private goOn: (() => void)[] = [];

  override _write(_bytes: Buffer, _encoding: string, done: () => void): void {
    this.goOn.push(done);
  }

  async take(): Promise<void> {
    this.goOn.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

for (const [what, highWaterMark] of [
  ['below', 1_000],
  ['above', 10],
] as const)
  test(`what is written ${what} the mark of the stream is reported once it has left`, async () => {
    const stream = new SlowStream({ highWaterMark });
    let calls = 0;
    stream.write(Buffer.alloc(100));
    stream.write(Buffer.alloc(100));
    whenWritten(stream, () => {
      calls += 1;
    });
    await stream.take();
    assert.equal(calls, 0);
    await stream.take();
    await stream.take();
    assert.equal(calls, 1);
    stream.write(Buffer.alloc(100));
    await stream.take();
    assert.equal(calls, 1, 'it is called once');
  });

test('a stream that has ended, or is gone, reports nothing', async () => {
  const [ended, gone] = [new SlowStream(), new SlowStream()];
  let calls = 0;
  ended.end();
  gone.destroy();
  for (const stream of [ended, gone])
    whenWritten(stream, () => {
      calls += 1;
    });
  await ended.take();
  assert.equal(calls, 0);
});
