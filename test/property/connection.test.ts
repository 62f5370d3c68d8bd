import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Endpoint } from '../../src/actors/endpoint/endpoint.ts';
import { Batch } from '../../src/core/batch.ts';
import { TidegateError } from '../../src/core/errors.ts';
import { Message } from '../../src/core/message.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../src/telemetry/tracing.ts';
import { FakeSocket } from '../unit/actors/fake-socket.ts';
import { encode, keptLogger, turn, wordCodec } from '../unit/actors/rig.ts';
import { HandClock } from '../unit/core/hand-clock.ts';

/* One connection under random traffic: frames, refusals, settling in any order, a gate, a peer that reads slowly. */

const LIMITS = { messages: 6, bytes: 1_000_000, queue: 200, whenFull: 'drop_oldest' as const };
const REFUSED = new TidegateError('TG_RECORD_REFUSED', 'no');

type Act =
  | { readonly do: 'frame' | 'question' | 'turn' | 'congest' | 'clear' | 'jam' | 'unjam' | 'record' }
  | { readonly do: 'ack' | 'nack'; readonly of: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ do: 'frame' } as const) },
  { weight: 3, arbitrary: fc.constant({ do: 'turn' } as const) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('ack' as const, 'nack' as const), of: fc.nat() }),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...(['question', 'congest', 'clear', 'jam', 'unjam', 'record'] as const))
      .map((what) => ({ do: what })),
  },
);

test('every frame is answered once and in order, and a socket that is held is always read again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 80 }), async (acts) => {
      const { endpoint, socket, inFlight } = connected();
      const expected: string[] = [];
      const outcome = new Map<Message, number>();
      const settle = (index: number, isAck: boolean) => {
        const [message] = inFlight.splice(index % inFlight.length, 1);
        if (message === undefined) return;
        expected[outcome.get(message) ?? -1] =
          `${isAck ? 'ack' : 'nack'} ${message.text}${isAck ? '' : ' TG_RECORD_REFUSED'}`;
        if (isAck) message.ack();
        else message.nack(REFUSED);
      };
      const send = (word: string) => {
        expected.push(word.startsWith('?') ? `refused ${word}` : 'open');
        socket.sends(word);
      };
      const remember = async () => {
        await turn();
        for (const message of inFlight) if (!outcome.has(message)) outcome.set(message, Number(message.text));
      };
      for (const each of acts) {
        const isRead = !isHeld(socket);
        if (each.do === 'frame' && isRead) send(String(expected.length));
        else if (each.do === 'question' && isRead) send(`?${expected.length}`);
        else if (each.do === 'congest') endpoint.pause();
        else if (each.do === 'clear') endpoint.resume();
        else if (each.do === 'jam') {
          socket.isStuck = true;
          socket.buffered = 70_000;
        } else if (each.do === 'unjam') unjam(socket);
        else if (each.do === 'record')
          endpoint.deliver(new Batch([new Message(Buffer.from(`record${'.'.repeat(90)}`))]));
        else if (each.do === 'ack' || each.do === 'nack') settle(each.of, each.do === 'ack');
        await remember();
        assert.ok(endpoint.unsettled <= LIMITS.messages);
      }
      while (inFlight.length > 0) settle(0, true);
      await remember();
      unjam(socket);
      endpoint.resume();
      await turn();
      const answers = socket
        .taken()
        .join('')
        .split('|')
        .filter((frame) => /^(ack|nack|refused) /.test(frame));
      assert.deepEqual(answers, expected);
      assert.equal(isHeld(socket), false, 'the socket is never read again');
      assert.deepEqual([endpoint.unsettled, endpoint.heldBytes], [0, 0]);
      socket.closes();
      await endpoint.drain(0);
    }),
    { numRuns: 150 },
  );
});

// Helpers

function connected() {
  const { logger } = keptLogger();
  const endpoint = new Endpoint({
    name: 'rooms',
    codec: wordCodec(),
    limits: LIMITS,
    sweep: { pingInterval: 20, pingTimeout: 10, frameTimeout: 30, stallTimeout: 30 },
    encode,
    clock: new HandClock(),
    logger,
    stats: createStats(),
    tracing: NO_TRACING,
  });
  const inFlight: Message[] = [];
  endpoint.received$.subscribe((batch) => inFlight.push(...batch.messages));
  endpoint.resume();
  const socket = new FakeSocket();
  endpoint.join(socket, { params: {}, query: {} }, undefined);
  return { endpoint, socket, inFlight };
}

function isHeld(socket: FakeSocket): boolean {
  return socket.orders.findLast((order) => order === 'pause' || order === 'resume') === 'pause';
}

function unjam(socket: FakeSocket): void {
  socket.isStuck = false;
  socket.drains();
}
