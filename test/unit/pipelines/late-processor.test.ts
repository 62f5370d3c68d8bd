import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Processor } from '../../../src/core/component.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import type { Message } from '../../../src/core/message.ts';
import { DeadLetters } from '../../../src/pipelines/dead-letter.ts';
import { chainOf } from '../../../src/pipelines/processing.ts';
import type { Step } from '../../../src/pipelines/step.ts';
import { limited } from '../../../src/pipelines/time-limit.ts';
import { HandClock } from '../core/hand-clock.ts';
import { SettleLog } from '../core/settle-log.ts';
import { batchOf, countingOptions, fakeContext, inFlightOf, KeptTopic, settled } from './parts.ts';

const REFUSED = new TidegateError('TG_RECORD_REFUSED', 'no');

/** What a processor does with a message that it was given too long ago. */
const LATE: Readonly<Record<string, (message: Message, made: Message) => void>> = {
  'acks it': (message) => message.ack(),
  'nacks it': (message) => message.nack(REFUSED),
  'splits it into nothing': (message) => void message.split([]),
  'splits it, and acks the parts': (message) => {
    for (const part of message.split([message, message])) part.ack();
  },
  'derives another one, and acks that': (message) => message.derive({ json: 'late' }).ack(),
  'derives another one, and keeps that': (message) => void message.derive({ json: 'late' }),
  'acks what it had derived before': (_, made) => made.ack(),
  'derives from what it had derived before': (_, made) => made.derive({ json: 'late' }).ack(),
  'takes it back itself': (message) => message.takeBack(),
};

/** A processor that never ends behind one that makes another message, and dead letters whose topic answers by hand. */
function setUp(around: (step: Step) => Step = (step) => step) {
  const clock = new HandClock();
  const topic = new KeptTopic();
  const given: Message[] = [];
  const made: Message[] = [];
  const hanging: Processor['process'] = (message) => {
    given.push(message);
    made.push(message.derive({ json: 'made' }));
    return new Promise(() => {});
  };
  const process = limited({ process: hanging }, 500, { ...fakeContext().context, clock });
  const letters = new DeadLetters(
    topic,
    'orders',
    () => {},
    () => false,
  );
  const { inFlight, told } = inFlightOf(undefined, (message, failure) => letters.take(message, failure));
  const log = new SettleLog();
  const message = log.message('a');
  inFlight.admit(batchOf(message));
  const results = chainOf([around({ process })], countingOptions().options)([message]);
  const late = (act: (message: Message, made: Message) => void) => {
    const [one] = given;
    const [other] = made;
    assert.ok(one !== undefined && other !== undefined);
    act(one, other);
  };
  return { clock, topic, inFlight, told, log, results, late };
}

suite('a processor that is too late', () => {
  for (const [title, act] of Object.entries(LATE)) {
    test(`${title}: its dead letter is done when the log has it, and not before`, async () => {
      const { clock, topic, told, log, late, results } = setUp();
      clock.advance(500);
      assert.deepEqual(await results, []);
      const [letter] = topic.messages;
      assert.equal(letter?.text, 'a');
      late(act);
      await settled();
      assert.deepEqual([letter.isSettled, log.outcomes, told.settled.length], [false, [], 0]);
      letter.ack();
      late(act);
      assert.deepEqual([log.outcomes.length, told.settled.length, letter.outcome], [1, 1, 'dead_letter']);
      assert.equal(told.settled[0]?.[1], null);
    });
  }

  test('its message is still nacked with all that is in flight', async () => {
    const { clock, topic, inFlight, told, log, results, late } = setUp();
    clock.advance(500);
    await results;
    for (const act of Object.values(LATE)) late(act);
    assert.equal(topic.messages.length, 1);
    inFlight.nackAll(new TidegateError('TG_STOPPING', 'the pipeline has stopped'));
    assert.deepEqual([log.outcomes.length, told.settled.length, inFlight.size], [1, 1, 0]);
  });

  test('it cannot settle what catch makes of its message', async () => {
    const { clock, told, late, results } = setUp((step) => ({ attempt: [step], rescue: [] }));
    clock.advance(500);
    const [rescued, ...more] = await results;
    assert.deepEqual([rescued?.text, more.length, rescued?.isSettled], ['a', 0, false]);
    for (const act of Object.values(LATE)) late(act);
    assert.deepEqual([rescued?.isSettled, told.settled.length], [false, 0]);
    rescued?.ack();
    assert.equal(told.settled.length, 1);
  });

  test('acks as soon as its signal aborts, and changes nothing by that', async () => {
    const clock = new HandClock();
    const { context } = fakeContext();
    const hanging: Processor['process'] = (message, call) => {
      call?.signal.addEventListener('abort', () => message.ack());
      return new Promise(() => {});
    };
    const process = limited({ process: hanging }, 500, { ...context, clock });
    const log = new SettleLog();
    const message = log.message('a');
    const results = chainOf([{ process }], countingOptions().options)([message]);
    clock.advance(500);
    await results;
    assert.deepEqual(log.outcomes, ['TG_PROCESSOR_TIMEOUT']);
  });
});
