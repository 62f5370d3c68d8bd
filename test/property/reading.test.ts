import assert from 'node:assert/strict';
import type { Writable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import * as ws from 'ws';
import { ClientMemory } from '../../src/core/client-memory.ts';
import { Reading } from '../../src/transports/websocket/reading.ts';
import { wholeFrame } from '../helpers/raw-client.ts';

/* Messages of any size in any fragments, with pongs between, cut into any pieces, while the socket is paused and resumed. */

const { Receiver } = ws as unknown as { Receiver: new (options: object) => Writable };

const sized = fc.oneof(fc.nat(40), fc.nat(40_000)).map((length) => Buffer.alloc(length, 'x'));
const message = fc.array(sized, { minLength: 1, maxLength: 4 });
const messages = fc.array(message, { minLength: 1, maxLength: 6 });
const pieces = fc.infiniteStream(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 20_000 })));

test('the messages come whole and in order, and nothing stays held', async () => {
  await fc.assert(
    fc.asyncProperty(messages, pieces, fc.infiniteStream(fc.nat(5)), async (sent, sizes, chances) => {
      const receiver = new Receiver({ isServer: true, maxPayload: 1_000_000, maxFragments: 100 });
      const memory = new ClientMemory();
      const reading = new Reading(receiver, memory, { stop() {}, start() {} });
      const lengths: number[] = [];
      const chance = () => chances.next().value === 0;
      receiver.on('message', (data: Buffer) => {
        lengths.push(data.length);
        if (chance()) reading.pause();
      });
      const frames = sent.flatMap((fragments) =>
        fragments.flatMap((fragment, at) => [
          wholeFrame(fragment, { opcode: at === 0 ? 1 : 0, fin: at === fragments.length - 1 }),
          ...(chance() ? [wholeFrame(Buffer.from('pong'), { opcode: 0x0a })] : []),
        ]),
      );
      let rest: Buffer = Buffer.concat(frames);
      while (rest.length > 0) {
        const size = Number(sizes.next().value);
        await new Promise<void>((done) => receiver.write(Buffer.from(rest.subarray(0, size)), () => done()));
        rest = rest.subarray(size);
        while (reading.isPaused) reading.resume();
      }
      assert.deepEqual(
        lengths,
        sent.map((fragments) => fragments.reduce((sum, { length }) => sum + length, 0)),
      );
      assert.equal(memory.held, 0);
    }),
    { numRuns: 60 },
  );
});
