import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from 'rxjs';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import type { TopicPort } from '../../../src/sdk/context.ts';
import { Admission } from '../../../src/topics/admission.ts';
import { turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

/** A log with the topic t, whose looks end when the test says so; with messages that are named by their text. */
function setUp(patience = 5_000) {
  const clock = new HandClock();
  const topics = new Set(['t']);
  const looks: { sees: () => Promise<void>; fails: (error: TidegateError) => Promise<void> }[] = [];
  /** How many looks there were. */
  let asked = 0;
  const admin = {
    topics: () =>
      new Promise<ReadonlyMap<string, number>>((resolve, reject) => {
        asked += 1;
        // A look shows what there is when it begins.
        const shown = new Map([...topics].map((name) => [name, 1]));
        looks.push({
          sees: () => {
            resolve(shown);
            return turn();
          },
          fails: (error) => {
            reject(error);
            return turn();
          },
        });
      }),
  };
  /** Names that were given a lane, and what was written. */
  const opened: string[] = [];
  const written: string[] = [];
  const ports = new Map<string, TopicPort>();
  const topic = (name: string) => {
    opened.push(name);
    const port: TopicPort = {
      write: ({ messages }: { messages: readonly Message[] }) =>
        void written.push(`${name}: ${messages.map(({ text }) => text).join(' ')}`),
      idle: true,
      idle$: NEVER,
    };
    ports.set(name, port);
    return port;
  };
  const refused: string[] = [];
  const target = {
    settled: ({ text }: Message, failure: TidegateError | null) => void refused.push(`${text} ${failure?.code}`),
  };
  const admission = new Admission({ log: { admin }, openTopic: topic, topics: ports, clock }, patience);
  const write = (name: string, ...texts: string[]) =>
    admission.write(
      name,
      texts.map((text) => new Message(Buffer.from(text), { target })),
    );
  const end = (which: 'sees' | 'fails', error = new TidegateError('TG_LOG_UNAVAILABLE', 'away')) => {
    const look = looks.shift();
    assert.ok(look !== undefined, 'a look is under way');
    return which === 'sees' ? look.sees() : look.fails(error);
  };
  return { clock, topics, ports, opened, written, refused, admission, write, end, looks, asked: () => asked };
}

test('messages for an existing topic wait only for the first look, then pass in the same turn', async () => {
  const { write, end, written, asked, clock } = setUp();
  write('t', '1');
  write('t', '2', '3');
  assert.deepEqual(written, []);
  await end('sees');
  assert.deepEqual(written, ['t: 1 2 3']);
  clock.advance(1_000_000);
  write('t', '4');
  assert.deepEqual([written.at(-1), asked()], ['t: 4', 1]);
});

test('names that a recent look has shown are not looked for again', async () => {
  const { topics, write, end, written, asked, clock } = setUp();
  topics.add('u').add('v');
  write('t', '1');
  await end('sees');
  write('u', '2');
  assert.deepEqual([written.at(-1), asked()], ['u: 2', 1]);
  clock.advance(5_000);
  write('v', '3');
  assert.equal(written.at(-1), 'u: 2', 'that look is old: v may have gone');
  await end('sees');
  assert.deepEqual([written.at(-1), asked()], ['v: 3', 2]);
});

test('a thousand names that do not exist share one look at a time, get no lane, and are refused', async () => {
  const { write, end, opened, refused, looks, asked, clock } = setUp();
  for (let name = 0; name < 1_000; name += 1) write(`nope-${name}`, String(name));
  assert.deepEqual([looks.length, asked()], [1, 1]);
  // The look was begun by the first of them, and says nothing for sure about those that came after.
  await end('sees');
  clock.advance(250);
  await end('sees');
  for (let look = 0; look < 20; look += 1) {
    assert.ok(refused.length <= 1, 'five seconds have not passed');
    assert.equal(looks.length, 0, 'the next look is a while away');
    clock.advance(250);
    await end('sees');
  }
  assert.equal(asked(), 22);
  assert.deepEqual([refused.length, refused[0], opened], [1_000, '0 TG_TOPIC_MISSING', []]);
  assert.equal(clock.pending, 0, 'no look is due any more');
});

test('a topic that appears while its messages wait gets them in order', async () => {
  const { topics, write, end, written, refused, clock } = setUp();
  write('new', '1');
  await end('sees');
  write('new', '2');
  topics.add('new');
  clock.advance(250);
  write('new', '3');
  await end('sees');
  write('new', '4');
  assert.deepEqual([written, refused], [['new: 1 2 3', 'new: 4'], []]);
});

test('a topic that a client has created takes messages at once, though an older look lacks it', async () => {
  const { topics, admission, write, end, written, refused, clock } = setUp(0);
  write('new', '1');
  topics.add('new');
  admission.created('new');
  assert.deepEqual(written, ['new: 1']);
  write('new', '2');
  assert.deepEqual(written, ['new: 1', 'new: 2']);
  await end('sees');
  write('new', '3');
  assert.deepEqual([written.at(-1), refused, clock.pending], ['new: 3', [], 0]);
});

test('a topic that was let go is looked for again', async () => {
  const { write, end, topics, ports, written, refused, clock } = setUp(0);
  write('t', 'a');
  await end('sees');
  ports.delete('t');
  topics.delete('t');
  clock.advance(5_000);
  write('t', 'b');
  assert.deepEqual(written, ['t: a']);
  await end('sees');
  assert.deepEqual([written, refused], [['t: a'], ['b TG_TOPIC_MISSING']]);
});

test('a look refuses no message that came after it began', async () => {
  const { topics, write, end, written, refused, clock } = setUp(0);
  write('new', '1');
  topics.add('new');
  write('new', '2');
  write('other', '3');
  await end('sees');
  assert.deepEqual([refused, written], [['1 TG_TOPIC_MISSING'], []]);
  clock.advance(250);
  await end('sees');
  assert.deepEqual([refused.slice(1), written], [['3 TG_TOPIC_MISSING'], ['new: 2']]);
});

test('while the log is unavailable nothing is refused, and the timeout starts when it is back', async () => {
  const { write, end, written, refused, clock } = setUp(500);
  write('t', '1');
  write('nope', '2');
  await end('fails');
  for (let tries = 0; tries < 10; tries += 1) {
    clock.advance(250);
    await end('fails');
  }
  assert.deepEqual([written, refused], [[], []]);
  clock.advance(250);
  await end('sees');
  assert.deepEqual([written, refused], [['t: 1'], []]);
  for (let look = 0; look < 2; look += 1) {
    assert.deepEqual(refused, []);
    clock.advance(250);
    await end('sees');
  }
  assert.deepEqual(refused, ['2 TG_TOPIC_MISSING']);
});

test('if the log refuses to list topics, waiting messages get its error, as waiting would not help', async () => {
  const { write, end, refused } = setUp();
  write('t', '1');
  await end('fails', new TidegateError('TG_NOT_AUTHORIZED', 'no'));
  assert.deepEqual(refused, ['1 TG_NOT_AUTHORIZED']);
});

test('a stop waits for pending messages, and refuses them with "send again" at its deadline', async () => {
  const { admission, write, end, written, refused, clock } = setUp();
  await admission.drained();
  write('t', '1');
  let isDrained = false;
  const drained = admission.drained().then(() => {
    isDrained = true;
  });
  await turn();
  assert.equal(isDrained, false);
  await end('sees');
  await drained;
  assert.deepEqual(written, ['t: 1']);
  write('nope', '2');
  const again = admission.drained();
  admission.abandon();
  await again;
  write('nope', '3');
  assert.deepEqual([refused, clock.pending], [['2 TG_STOPPING', '3 TG_STOPPING'], 0]);
});
