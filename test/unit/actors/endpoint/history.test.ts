import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { History, type ReplayLimits, replayStart } from '../../../../src/actors/endpoint/history.ts';
import { Batch } from '../../../../src/core/batch.ts';
import { Message } from '../../../../src/core/message.ts';
import { FakeSocket } from '../fake-socket.ts';
import { endpointRig, turn } from '../rig.ts';
import { shared, textOf } from '../shared.ts';

const PLENTY = 1_000_000;

/** A record that reads as its own frame. */
function keep(history: History, text: string, timestamp = 0, partition = 0, author?: string): void {
  history.keep(shared(text), new Message(Buffer.from(text), { topic: 'talk', partition, timestamp }), author);
}

function texts(history: History, now = 0): string[] {
  return history.frames(now).map(textOf);
}

/** A history that has been read, and goes on with what is live. */
function live(limits: ReplayLimits): History {
  const history = new History(limits);
  history.sort();
  return history;
}

test('a newcomer gets the newest so many, oldest first', () => {
  const history = live({ last: 3, bytes: PLENTY });
  assert.deepEqual(texts(history), []);
  for (const text of ['a', 'b', 'c', 'd', 'e']) keep(history, text);
  assert.deepEqual(texts(history), ['c', 'd', 'e']);
  keep(history, 'f');
  assert.deepEqual(texts(history), ['d', 'e', 'f']);
});

test('a record without a timestamp counts as any other', () => {
  const history = live({ last: 3, bytes: PLENTY });
  keep(history, 'timeless', -1);
  assert.deepEqual(texts(history, 1_000), ['timeless']);
});

test('all newcomers between two records share one list', () => {
  const history = live({ last: 3, bytes: PLENTY });
  keep(history, 'a');
  assert.equal(history.frames(0), history.frames(0));
});

test('what was said by a member whose gateway had no lease any more is forgotten, once that is known', () => {
  const history = new History({ last: 3, bytes: PLENTY });
  const judge = { wasTooLate: (author: string, at: number) => author === 'old' && at >= 20 };
  keep(history, 'in time', 19, 0, 'old');
  keep(history, 'of another producer', 500);
  // Behind a record with a later time it still has its own.
  keep(history, 'in time, too', 15, 0, 'old');
  keep(history, 'too late', 20, 1, 'old');
  keep(history, 'of a living one', 30, 1, 'new');
  const texts = (last: number) => history.frames(last, judge).map(textOf);
  assert.deepEqual(texts(0), ['of a living one', 'of another producer', 'in time, too']);
  keep(history, 'late again', 21, 0, 'old');
  assert.deepEqual(texts(0), ['of another producer', 'in time, too']);
  const alone = live({ last: 3, bytes: PLENTY });
  keep(alone, 'too late', 20, 0, 'old');
  assert.deepEqual(alone.frames(0).map(textOf), ['too late']);
  assert.deepEqual(alone.frames(0, judge).map(textOf), []);
});

test('records that have grown too old are left out, also when nothing new has come', () => {
  const history = live({ age: 100, bytes: PLENTY });
  keep(history, 'old', 1_000);
  keep(history, 'young', 1_060);
  assert.deepEqual(texts(history, 1_100), ['old', 'young']);
  assert.deepEqual(texts(history, 1_101), ['young']);
  assert.deepEqual(texts(history, 1_161), []);
});

test('with a start position everything is kept that the bytes allow, and the oldest are evicted', () => {
  const history = live({ from: 'earliest', bytes: 6 });
  for (const text of ['aa', 'bb', 'cc']) keep(history, text);
  assert.deepEqual(texts(history), ['aa', 'bb', 'cc']);
  keep(history, 'd');
  assert.deepEqual(texts(history), ['bb', 'cc', 'd']);
  keep(history, 'larger than all that may be kept');
  assert.deepEqual(texts(history), []);
  keep(history, 'e');
  assert.deepEqual(texts(history), ['e']);
});

test('partitions that were read one after the other come in the order of their timestamps', () => {
  const history = new History({ last: 10, bytes: PLENTY });
  for (const [text, timestamp] of [
    ['a', 1],
    ['c', 3],
    ['e', 5],
  ] as const)
    keep(history, text, timestamp, 0);
  for (const [text, timestamp] of [
    ['b', 2],
    ['d', 4],
  ] as const)
    keep(history, text, timestamp, 1);
  history.sort();
  assert.deepEqual(texts(history), ['a', 'b', 'c', 'd', 'e']);
});

test('an old partition that is read last does not push out what is newer', () => {
  const history = new History({ last: 3, bytes: PLENTY });
  for (const [text, timestamp] of [
    ['today 1', 101],
    ['today 2', 102],
    ['today 3', 103],
  ] as const)
    keep(history, text, timestamp, 0);
  for (const [text, timestamp] of [
    ['last week 1', 1],
    ['last week 2', 2],
    ['today 4', 104],
  ] as const)
    keep(history, text, timestamp, 1);
  history.sort();
  assert.deepEqual(texts(history), ['today 2', 'today 3', 'today 4']);
});

test('records of one partition keep their order, whatever their timestamps say', () => {
  const history = new History({ last: 10, bytes: PLENTY });
  for (const [text, timestamp] of [
    ['a1', 50],
    ['a2', 10],
    ['a3', 60],
  ] as const)
    keep(history, text, timestamp, 0);
  for (const [text, timestamp] of [
    ['b1', 20],
    ['b2', 55],
  ] as const)
    keep(history, text, timestamp, 1);
  history.sort();
  assert.deepEqual(texts(history), ['b1', 'a1', 'a2', 'b2', 'a3']);
});

test('live records are in the order in which they came, behind those that were read', () => {
  const history = new History({ last: 4, bytes: PLENTY });
  keep(history, 'past', 5, 0);
  history.sort();
  keep(history, 'live 1', 9, 1);
  keep(history, 'live 2', 7, 0);
  assert.deepEqual(texts(history), ['past', 'live 1', 'live 2']);
});

test('the history is the newest records of all partitions, in any reading that keeps each in order', () => {
  const record = fc.record({ partition: fc.nat(3), length: fc.integer({ min: 1, max: 4 }) });
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 60 }),
      fc.array(fc.nat(3), { maxLength: 60 }),
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 30 }),
      (written, turns, last, bytes) => {
        const log = written.map((each, at) => ({ ...each, timestamp: at, text: `${at}`.padEnd(each.length, '.') }));
        const partitions = [0, 1, 2, 3].map((number) => log.filter(({ partition }) => partition === number));
        const history = new History({ last, bytes });
        // The reader takes from partitions as `turns` has it, and then what is left.
        for (const turn of [...turns, ...partitions.flatMap((each, number) => each.map(() => number))]) {
          const next = partitions[turn]?.shift();
          if (next !== undefined) keep(history, next.text, next.timestamp, next.partition);
        }
        history.sort();
        const expected = [...log];
        const size = () => expected.reduce((sum, { text }) => sum + text.length, 0);
        while (expected.length > last || size() > bytes) expected.shift();
        assert.deepEqual(
          texts(history),
          expected.map(({ text }) => text),
        );
      },
    ),
  );
});

test('reading begins where the history does', () => {
  assert.deepEqual(replayStart({ last: 50, bytes: 1 }, 1_000), { last: 50 });
  assert.deepEqual(replayStart({ age: 300, bytes: 1 }, 1_000), { timestamp: 700 });
  assert.deepEqual(replayStart({ from: { offsets: { talk: { 0: 7 } } }, bytes: 1 }, 1_000), {
    offsets: { talk: { 0: 7 } },
  });
});

const records = (...given: string[]) =>
  new Batch(given.map((text) => new Message(Buffer.from(text), { topic: 'talk', partition: 0 })));

test('clients wait until the history is read, and then get as much of it as they should', async (t) => {
  const { endpoint, connect } = endpointRig(t, { replay: { last: 2, bytes: PLENTY } });
  endpoint.historyBegins();
  endpoint.historyBegins();
  assert.match(endpoint.notReadyReason ?? '', /the history of the endpoint is being read/);
  const socket = await connect();
  socket.sends('early');
  endpoint.deliver(records('r1', 'r2', 'r3'));
  endpoint.historyIsRead();
  await turn();
  assert.deepEqual(socket.taken(), [], 'the second topic is not read yet');
  endpoint.historyIsRead();
  await turn();
  assert.equal(endpoint.notReadyReason, undefined);
  assert.deepEqual(socket.taken(), ['welcome you|', 'r2|r3|']);
  endpoint.deliver(records('r4'));
  await turn();
  assert.deepEqual(socket.taken(), ['r4|']);
});

test('a gate that opens meanwhile hears nothing of a client that is not in yet', async (t) => {
  const { endpoint, connect, messages, errors } = endpointRig(t, { replay: { last: 2, bytes: PLENTY } });
  endpoint.historyBegins();
  const socket = await connect();
  socket.sends('early');
  endpoint.pause();
  endpoint.resume();
  await turn();
  assert.deepEqual(messages(), []);
  endpoint.historyIsRead();
  await turn();
  assert.deepEqual(
    messages().map(({ text }) => text),
    ['early'],
  );
  assert.deepEqual(errors(), []);
});

test('what is delivered in the turn in which a client comes reaches it once', async (t) => {
  const { endpoint, connect } = endpointRig(t, { replay: { last: 10, bytes: PLENTY } });
  await connect();
  const socket = new FakeSocket();
  endpoint.deliver(records('before'));
  endpoint.join(socket, { params: {}, query: {} }, undefined);
  endpoint.deliver(records('after'));
  await turn();
  assert.equal(socket.taken().join(''), 'welcome you|before|after|');
  socket.closes();
});
