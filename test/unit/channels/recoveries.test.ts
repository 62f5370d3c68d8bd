// Own process: it collects garbage, and looks at what is left of requests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';
import type { EarlierPart } from '../../../src/core/channel-feed.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { defineProcessor } from '../../../src/sdk/define.ts';
import { turn } from '../actors/rig.ts';
import { keyed, outcome, passTurns, recoveryRig, TOPIC } from './recovery-rig.ts';

const AB = ['A', 'B', 'A', 'B', 'A', 'B'];

test('a client gets the records of its channel from its position to where it is met', async (t) => {
  const { memory, ask, open, metrics } = await recoveryRig(t);
  await memory.append(TOPIC, keyed(AB));
  assert.deepEqual(await outcome(ask('A', 1, 5)), ['A2', 'A4']);
  assert.deepEqual(await outcome(ask('A', 0, 4)), ['A0', 'A2']);
  assert.deepEqual(await outcome(ask('B', 2, 6)), ['B3', 'B5']);
  assert.deepEqual(await outcome(ask('C', 0, 6)), []);
  await turn();
  assert.deepEqual([open.size, metrics.passes.value], [0, 4]);
});

test('clients of one reader get each what is between their own offsets', async (t) => {
  const { memory, ask, readers } = await recoveryRig(t);
  await memory.append(TOPIC, keyed(AB));
  const asked = [ask('A', 0, 2), ask('A', 2, 6), ask('A', 1, 4)].map(outcome);
  assert.deepEqual(await Promise.all(asked), [['A0'], ['A2', 'A4'], ['A2']]);
  assert.equal(readers.length, 1);
});

test('nothing is read for a client that has all', async (t) => {
  const { memory, ask, readers } = await recoveryRig(t);
  await memory.append(TOPIC, keyed(AB));
  assert.deepEqual([await outcome(ask('A', 6, 6)), await outcome(ask('A', 6, 4)), readers.length], [[], [], 0]);
});

test('a thousand clients that ask at once are served by one reader', async (t) => {
  const { memory, ask, readers, metrics } = await recoveryRig(t, { partitions: 3, channel: 'c.${! key }' });
  const keys = Array.from({ length: 300 }, (_, at) => `k${at % 30}`);
  const messages = keyed(keys);
  await memory.append(TOPIC, messages);
  const ends = new Map((await memory.admin.offsets(TOPIC)).map(({ partition, latest }) => [partition, latest]));
  const asked = Array.from({ length: 1_000 }, (_, at) => {
    const key = `k${at % 30}`;
    const [first] = messages.filter((message) => message.key === key);
    const partition = first?.partition ?? 0;
    const until = ends.get(partition) ?? 0;
    const since = at % until;
    const expected = messages.filter((message) => message.key === key && message.offset >= since);
    return { expected: expected.map(({ text }) => text), got: outcome(ask(`c.${key}`, since, until, { partition })) };
  });
  for (const { expected, got } of asked) assert.deepEqual(await got, expected);
  assert.equal(readers.length, 1);
  assert.deepEqual([...(readers[0]?.partitions ?? [])].sort(), [0, 1, 2]);
  assert.ok(metrics.records.value <= 300);
});

test('a request joins the reader that has not come to its records, and waits for the next one otherwise', async (t) => {
  const { memory, ask, readers, clock } = await recoveryRig(t, { settings: { records: 100_000, concurrency: 1 } });
  await memory.append(TOPIC, keyed(new Array(5_000).fill('A')));
  const first = ask('A', 0, 5_000);
  await turn();
  await turn();
  // The first 1,000 were handed over by now, and no more.
  const joins = ask('A', 4_000, 5_000);
  const waits = ask('A', 0, 10);
  await passTurns(clock);
  assert.equal((await outcome(joins)).length, 1_000);
  assert.equal((await outcome(waits)).length, 10);
  assert.equal((await outcome(first)).length, 5_000);
  assert.deepEqual(
    readers.map(({ from }) => from),
    [{ offsets: { [TOPIC]: { 0: 0 } } }, { offsets: { [TOPIC]: { 0: 0 } } }],
  );
});

test('as many readers are open at once as concurrency says, and the next one serves all that wait', async (t) => {
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const held = defineProcessor({
    name: 'held',
    summary: 'held',
    config: z.unknown(),
    examples: [],
    create: () => ({ process: (message: Message) => released.then(() => message) }),
  });
  const { memory, ask, open, readers } = await recoveryRig(t, { processors: [{ spec: held, config: undefined }] });
  await memory.append(TOPIC, keyed(AB));
  const asked = [];
  for (let at = 0; at < 8; at += 1) {
    asked.push(outcome(ask('A', 0, 5)));
    for (let turns = 0; turns < 3; turns += 1) await turn();
    assert.equal(open.size, Math.min(at + 1, 2));
  }
  release();
  for (const one of asked) assert.deepEqual(await one, ['A0', 'A2', 'A4']);
  assert.equal(readers.length, 3);
});

test('the number of records, their age, their bytes and the time are limited', async (t) => {
  const { memory, ask, clock } = await recoveryRig(t, { settings: { records: 4, age: 1_000 } });
  await memory.append(TOPIC, keyed(AB.slice(0, 2), 0, clock.now() - 2_000));
  await memory.append(TOPIC, keyed(AB.slice(2), 2, clock.now()));
  assert.equal(await outcome(ask('A', 0, 5)), 'too_many');
  assert.equal(await outcome(ask('A', 1, 5)), 'too_old');
  assert.deepEqual(await outcome(ask('A', 2, 5)), ['A2', 'A4']);
  assert.equal(await outcome(ask('A', 2, 5, { bytes: 3 })), 'too_many');
  assert.deepEqual(await outcome(ask('A', 2, 5, { bytes: 4 })), ['A2', 'A4']);
  memory.faults.linkDown();
  const waiting = outcome(ask('A', 2, 5));
  await passTurns(clock, 3, 1_000);
  assert.equal(await waiting, 'unavailable');
});

test('what retention has removed is expired, and a position behind the end is of the future', async (t) => {
  const { memory, ask, clock } = await recoveryRig(t, { config: { 'retention.ms': '1000', 'segment.ms': '1' } });
  await memory.append(TOPIC, keyed(AB));
  clock.advance(60_000);
  await memory.append(TOPIC, keyed(AB, 6));
  await memory.maintain();
  const [{ earliest = 0, latest = 0 } = {}] = await memory.admin.offsets(TOPIC);
  assert.deepEqual([earliest, latest], [6, 12]);
  assert.equal(await outcome(ask('A', 5, 12)), 'expired');
  assert.deepEqual(await outcome(ask('A', 6, 12)), ['A6', 'A8', 'A10']);
  assert.equal(await outcome(ask('A', 13, 14)), 'future');
});

test('a topic that was created anew, or is gone, has another epoch', async (t) => {
  const { memory, ask } = await recoveryRig(t);
  await memory.append(TOPIC, keyed(AB));
  await memory.admin.delete(TOPIC);
  assert.equal(await outcome(ask('A', 0, 5)), 'epoch');
  await memory.admin.create({ name: TOPIC, partitions: 1 });
  await memory.append(TOPIC, keyed(AB));
  assert.equal(await outcome(ask('A', 0, 5)), 'epoch');
  assert.equal(await outcome(ask('A', 0, 5, { partition: 7 })), 'epoch');
});

test('a reader is closed when no client waits for it any more', async (t) => {
  const { memory, ask, open, clock } = await recoveryRig(t, { settings: { records: 100_000 } });
  await memory.append(TOPIC, keyed(new Array(5_000).fill('A')));
  const leaving = new AbortController();
  const left = outcome(ask('A', 0, 5_000, { signal: leaving.signal }));
  await turn();
  assert.equal(open.size, 1);
  leaving.abort();
  assert.equal(await left, 'unavailable');
  await passTurns(clock, 3);
  assert.equal(open.size, 0);
  const gone = new AbortController();
  gone.abort();
  assert.equal(await outcome(ask('A', 0, 5_000, { signal: gone.signal })), 'unavailable');
});

test('clients that ask and leave at once open no more than concurrency says', async (t) => {
  let opened = 0;
  let open: () => void = () => {};
  const opening = new Promise<void>((resolve) => {
    open = resolve;
  });
  const spec = slow(
    () => {
      opened += 1;
      return opening;
    },
    () => {},
  );
  const { memory, ask, counts } = await recoveryRig(t, { processors: [{ spec, config: undefined }] });
  await memory.append(TOPIC, keyed(AB));
  for (let client = 0; client < 50; client += 1) {
    const leaving = new AbortController();
    const left = outcome(ask('A', 0, 5, { signal: leaving.signal }));
    leaving.abort();
    assert.equal(await left, 'unavailable');
    await turn();
  }
  assert.deepEqual([opened, counts.made], [2, 2]);
  open();
  await turn();
  assert.deepEqual(await outcome(ask('A', 0, 5)), ['A0!', 'A2!', 'A4!']);
  assert.equal(opened, 2);
});

test('what clients ask for that leave while all readers are busy is forgotten at once', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const spec = slow(
    () => new Promise<void>(() => {}),
    () => {},
  );
  const { memory, ask } = await recoveryRig(t, { processors: [{ spec, config: undefined }] });
  await memory.append(TOPIC, keyed(AB));
  const asked: WeakRef<AbortSignal>[] = [];
  for (let client = 0; client < 50; client += 1) {
    const leaving = new AbortController();
    asked.push(new WeakRef(leaving.signal));
    const left = outcome(ask('A', 0, 5, { signal: leaving.signal }));
    await turn();
    leaving.abort();
    assert.equal(await left, 'unavailable');
  }
  await turn();
  collect();
  const remembered = asked.filter((signal) => signal.deref() !== undefined).length;
  assert.ok(remembered < 5, `${remembered} are remembered`);
});

/** Fails for `bad`, is asynchronous, and gives a message other text. */
const slow = (open: () => void | Promise<void>, close: () => void) =>
  defineProcessor({
    name: 'slow',
    summary: 'slow',
    config: z.unknown(),
    examples: [],
    create: () => ({
      concurrency: 4,
      open,
      close,
      process: async (message: Message) => {
        await turn();
        if (message.text.startsWith('bad')) throw new Error('bad');
        return message.derive({ payload: Buffer.from(`${message.text}!`) });
      },
    }),
  });

test('records go through the processors of the pipeline again; one that fails is in no channel', async (t) => {
  let opened = 0;
  let closed = 0;
  const spec = slow(
    () => {
      opened += 1;
    },
    () => {
      closed += 1;
    },
  );
  const processors = [{ spec, config: undefined }];
  const { memory, ask, clock, counts, recoveries } = await recoveryRig(t, { processors });
  const messages = ['a', 'bad', 'b', 'c'].map((text) => new Message(Buffer.from(text), { key: 'A' }));
  await memory.append(TOPIC, messages);
  assert.deepEqual(await outcome(ask('A', 0, 4)), ['a!', 'b!', 'c!']);
  await turn();
  assert.deepEqual(await outcome(ask('A', 2, 4)), ['b!', 'c!']);
  await turn();
  assert.deepEqual([opened, counts.made, closed], [1, 1, 0]);
  // They are kept for a while, as another client may come soon.
  clock.advance(59_000);
  await turn();
  assert.equal(closed, 0);
  clock.advance(1_000);
  await turn();
  assert.deepEqual([closed, counts.closed], [1, 1]);
  assert.deepEqual(await outcome(ask('A', 2, 4)), ['b!', 'c!']);
  await recoveries.close();
  assert.deepEqual([opened, closed], [2, 2]);
  assert.equal(await outcome(ask('A', 2, 4)), 'closed');
});

test('a record that cannot be processed now is not left out: those that ask for it hear that it is missing', async (t) => {
  const away = defineProcessor({
    name: 'away',
    summary: 'away',
    config: z.unknown(),
    examples: [],
    create: () => ({
      process: (message: Message) => {
        if (message.text === 'C2') throw new TidegateError('TG_PROCESSOR_BUSY', 'the server does not answer');
        return message;
      },
    }),
  });
  const { memory, ask, parts } = await recoveryRig(t, { last: 9, processors: [{ spec: away, config: undefined }] });
  await memory.append(TOPIC, keyed(['A', 'A', 'C', 'A', 'A']));
  const [over, before, behind] = await Promise.all([ask('A', 0, 5), ask('A', 0, 2), ask('A', 3, 5)].map(outcome));
  assert.deepEqual([over, before, behind], ['unavailable', ['A0', 'A1'], ['A3', 'A4']]);
  assert.deepEqual(parts, []);
});

test('a processor that cannot be opened, or never answers, costs the client its records', async (t) => {
  const broken = defineProcessor({
    name: 'broken',
    summary: 'broken',
    config: z.unknown(),
    examples: [],
    create: () => ({
      open: () => {
        throw new Error('no');
      },
      process: (message: Message) => message,
    }),
  });
  const { memory, ask, counts } = await recoveryRig(t, { processors: [{ spec: broken, config: undefined }] });
  await memory.append(TOPIC, keyed(AB));
  assert.equal(await outcome(ask('A', 0, 5)), 'unavailable');
  await turn();
  assert.equal(counts.closed, 1);
  const never = defineProcessor({
    name: 'never',
    summary: 'never',
    config: z.unknown(),
    examples: [],
    create: () => ({ process: () => new Promise<Message>(() => {}) }),
  });
  const late = await recoveryRig(t, { processors: [{ spec: never, config: undefined }] });
  await late.memory.append(TOPIC, keyed(AB));
  const waiting = outcome(late.ask('A', 0, 5));
  await passTurns(late.clock, 4, 1_000);
  assert.equal(await waiting, 'unavailable');
  await turn();
  assert.deepEqual([late.open.size, late.counts.closed], [0, 1]);
});

test('a gate that shuts pauses the reader, and all records come all the same', async (t) => {
  const processors = [
    {
      spec: slow(
        () => {},
        () => {},
      ),
      config: undefined,
    },
  ];
  const { memory, ask, clock } = await recoveryRig(t, {
    processors,
    inFlight: { messages: 10, bytes: 1 << 20 },
    settings: { records: 10_000, timeout: 60_000 },
  });
  await memory.append(TOPIC, keyed(new Array(1_100).fill('A')));
  const got = outcome(ask('A', 0, 1_100));
  await passTurns(clock, 1_000);
  assert.equal((await got).length, 1_100);
});

test('a record in several channels is in each of them, once where it is named twice', async (t) => {
  const { memory, ask } = await recoveryRig(t, { channel: '${! json.to }' });
  await memory.append(TOPIC, [
    new Message(Buffer.from('{"to":["x","y","x"]}')),
    new Message(Buffer.from('{"to":"x"}')),
  ]);
  assert.equal((await outcome(ask('x', 0, 2))).length, 2);
  assert.equal((await outcome(ask('y', 0, 2))).length, 1);
});

test('a recovered record has its place in the log, and memory of its own', async (t) => {
  const { memory, ask } = await recoveryRig(t);
  await memory.append(TOPIC, keyed(AB));
  const recovery = await ask('A', 1, 5);
  assert.ok('messages' in recovery);
  const [first] = recovery.messages;
  assert.deepEqual([first?.topic, first?.partition, first?.offset, first?.key?.toString()], [TOPIC, 0, 2, 'A']);
  assert.equal(first?.payload.buffer.byteLength, 2);
});

test('what is read again counts as held for clients, and is not kept where the limit is reached', async (t) => {
  const { memory, held, ask, clock } = await recoveryRig(t);
  await memory.append(TOPIC, keyed(AB));
  let most = 0;
  const recovering = held.recovering.bind(held);
  held.recovering = (bytes) => {
    recovering(bytes);
    most = Math.max(most, held.held);
  };
  assert.deepEqual(await outcome(ask('A', 0, 6)), ['A0', 'A2', 'A4']);
  await passTurns(clock);
  assert.deepEqual([most, held.held], [3 * (512 + 2), 0]);
  held.read(99_999_000);
  assert.equal(await outcome(ask('A', 0, 6)), 'too_many');
  held.read(-99_999_000);
  await passTurns(clock);
  assert.equal(held.held, 0);
});

/** What a pass hands on for all clients: by channel, where it is complete from, and the texts. */
function partsOf(parts: readonly EarlierPart[]) {
  return parts.map(({ partition, from, until, channels }) => ({
    ...{ partition, from, until },
    channels: Object.fromEntries(
      [...channels].map(([channel, { since, messages }]) => [channel, [since, ...messages.map(({ text }) => text)]]),
    ),
  }));
}

test('what is read for one client is handed on for those of all channels, the newest of each', async (t) => {
  const { memory, ask, parts } = await recoveryRig(t, { last: 2 });
  await memory.append(TOPIC, keyed([...AB, 'A', 'C', 'A']));
  assert.deepEqual(await outcome(ask('A', 1, 8)), ['A2', 'A4', 'A6']);
  assert.deepEqual(partsOf(parts), [
    { partition: 0, from: 1, until: 8, channels: { A: [3, 'A4', 'A6'], B: [2, 'B3', 'B5'], C: [1, 'C7'] } },
  ]);
});

test('of each partition is handed on what was read of it, before its client goes on', async (t) => {
  const { memory, ask, parts } = await recoveryRig(t, { last: 9, partitions: 2 });
  const messages = keyed(['A', 'B', 'C', 'D', 'E', 'F', 'A', 'B', 'C', 'D', 'E', 'F']);
  await memory.append(TOPIC, messages);
  const of = (partition: number) => messages.filter((message) => message.partition === partition);
  assert.ok(of(0).length > 2 && of(1).length > 2);
  const seen: number[] = [];
  const noting = (partition: number) =>
    ask('A', 1, 3, { partition }).then(() => seen.push(parts.filter((part) => part.partition === partition).length));
  await Promise.all([noting(0), noting(1)]);
  assert.deepEqual(seen, [1, 1]);
  for (const { partition, from, until, channels } of parts) {
    assert.deepEqual([from, until], [1, 3]);
    const texts = [...channels.values()].flatMap((own) => own.messages.map(({ text }) => text));
    assert.deepEqual(
      texts,
      of(partition)
        .slice(1, 3)
        .map(({ text }) => text),
    );
  }
});

test('nothing is handed on where memory is short, and nothing of a pass that is lost', async (t) => {
  const { memory, ask, parts, held, recoveries } = await recoveryRig(t, { last: 9 });
  await memory.append(TOPIC, keyed(AB));
  const lost = outcome(ask('A', 0, 6));
  recoveries.loseAll('epoch');
  assert.equal(await lost, 'epoch');
  held.recovering(100_000_000);
  assert.equal(await outcome(ask('A', 0, 6)), 'too_many');
  held.recovering(-100_000_000);
  assert.deepEqual(parts, []);
});

test('where one record of another channel was not kept, none of its partition is handed on', async (t) => {
  const { memory, ask, parts, held } = await recoveryRig(t, { last: 9 });
  await memory.append(TOPIC, keyed(AB));
  let looks = 0;
  const isFull = () => {
    looks += 1;
    return looks === 2;
  };
  Object.defineProperty(held, 'isFull', { get: isFull });
  assert.deepEqual(await outcome(ask('A', 0, 6)), ['A0', 'A2', 'A4']);
  assert.deepEqual([looks > 2, parts], [true, []]);
});

test('where retention overtakes the reader, none of the partition is handed on', async (t) => {
  const config = { 'retention.ms': '1000', 'segment.ms': '1' };
  const { memory, ask, clock, parts } = await recoveryRig(t, { last: 9, config });
  await memory.append(TOPIC, keyed(AB));
  clock.advance(60_000);
  await memory.append(TOPIC, keyed(AB, 6));
  const open = memory.reader.bind(memory);
  memory.reader = (options) => {
    void memory.maintain();
    return open(options);
  };
  const [over, behind] = await Promise.all([ask('A', 0, 12), ask('A', 6, 12)].map(outcome));
  assert.deepEqual([over, behind], ['expired', ['A6', 'A8', 'A10']]);
  assert.deepEqual(parts, []);
});
