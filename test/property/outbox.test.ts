import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Outbox } from '../../src/feeds/sending/outbox.ts';
import { HandClock } from '../unit/core/hand-clock.ts';

/* Messages, pings of both sides, and replies at any times, at any rate. */

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('time' as const), by: fc.nat(3_000) }) },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constantFrom('send', 'reply', 'pong', 'beat', 'behind'), by: fc.nat(9) }),
  },
);

test('no period has more than the rate, nothing waits longer than it must, and messages keep their order', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(1_000, 7_000),
      fc.array(step, { maxLength: 60 }),
      (count, period, steps) => {
        const clock = new HandClock();
        // So much closer together the network may bring two messages.
        const window = period + 250;
        const times: number[] = [];
        const texts: string[] = [];
        const note = () => times.push(clock.elapsed());
        const socket = {
          bytesRead: 0,
          buffered: 0,
          unsent: 0,
          send: ({ data }: { data: string | Buffer }) => {
            note();
            texts.push(String(data));
          },
          ping: note,
          pong: note,
          pause() {},
          resume() {},
          close() {},
          terminate() {},
        };
        const handler = { full() {}, drained() {}, ready() {} };
        const metrics = { sent: { value: 0 }, unanswered: { value: 0 } };
        const outbox = new Outbox({ socket, rate: { count, period }, clock, metrics, handler });
        const messages: string[] = [];
        let asked = 0;
        for (const { type, by } of steps) {
          if (type === 'time') clock.advance(by);
          else asked += 1;
          if (type === 'send') {
            messages.push(`m${messages.length} ${by}`);
            outbox.send({ data: messages.at(-1) ?? '', binary: false });
          } else if (type === 'reply') outbox.reply(`r${by}`);
          else if (type === 'pong') outbox.pong(Buffer.from(`p${by}`));
          else if (type === 'behind') outbox.pingBehind(Buffer.from('q'));
          else if (type === 'beat') outbox.beat(() => socket.ping());
          // Less than the rate was used: there is nothing that waits.
          const recent = times.filter((at) => at > clock.elapsed() - window).length;
          if (recent < count) assert.equal(times.length + metrics.unanswered.value, asked);
        }
        clock.advance(window * (asked + 1));
        assert.equal(times.length + metrics.unanswered.value, asked);
        assert.deepEqual(
          texts.filter((text) => text.startsWith('m')),
          messages,
        );
        for (let at = count; at < times.length; at += 1)
          assert.ok((times[at] ?? 0) - (times[at - count] ?? 0) >= window);
      },
    ),
    { numRuns: 300 },
  );
});
