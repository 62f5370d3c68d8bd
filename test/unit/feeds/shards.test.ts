import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Batch } from '../../../src/core/batch.ts';
import { Message } from '../../../src/core/message.ts';
import type { CursorStore, FollowOptions } from '../../../src/sdk/context.ts';
import type { FakeRemote } from './fake-remote.ts';
import { feedRig, SteadyClock } from './feed-rig.ts';
import { MemoryCursors } from './memory-cursors.ts';

const SYMBOLS = '${! meta.shard.symbols }';
const UNSUBSCRIBE = { unsub: SYMBOLS };
const RESUME = { cursor: '${! json.n }', message: { after: '${! meta.cursor }' } };
/** Longer than changes of the list are gathered. */
const GATHERED = 250;

/** A topic of symbols. */
class SymbolTopic {
  private options: FollowOptions | undefined;
  /** What it has when it is read from its beginning. */
  first: readonly string[];

  constructor(first: readonly string[]) {
    this.first = first;
  }

  readonly follow = (options: FollowOptions) => {
    this.options = options;
    return { caughtUp: Promise.resolve(), open: () => this.set(...this.first), close: async () => {} };
  };

  set(...symbols: string[]): void {
    this.write(symbols, '1');
  }

  remove(...symbols: string[]): void {
    this.write(symbols, null);
  }

  setWithoutKey(): void {
    this.options?.next(new Batch([new Message(Buffer.from('1'))]));
  }

  recreate(): void {
    this.options?.recreated?.('symbols');
  }

  private write(symbols: readonly string[], value: string | null): void {
    const meta = { tombstone: value === null };
    const messages = symbols.map((key) => new Message(Buffer.from(value ?? ''), { key, meta }));
    this.options?.next(new Batch(messages));
  }
}

interface ShardRig {
  readonly shards?: Record<string, unknown>;
  readonly cursors?: CursorStore;
  readonly topic?: SymbolTopic;
  readonly clock?: SteadyClock;
}

/** A feed of symbols, two a connection. */
async function rig(
  t: TestContext,
  symbols: readonly string[],
  settings: Record<string, unknown> = {},
  { shards = {}, cursors, topic = new SymbolTopic(symbols), clock: ownClock }: ShardRig = {},
) {
  const made = await feedRig(
    t,
    {
      shards: {
        topic: { name: 'symbols' },
        per_connection: 2,
        connect_interval: '0s',
        unsubscribe: UNSUBSCRIBE,
        ...shards,
      },
      subscribe: { sub: SYMBOLS },
      ...settings,
    },
    {
      follow: topic.follow,
      ...(cursors === undefined ? {} : { cursors }),
      ...(ownClock === undefined ? {} : { clock: ownClock }),
    },
  );
  const { network, clock } = made;
  const open = () => {
    for (const socket of network.sockets) if (socket.sent.length === 0 && !socket.isEnded) socket.opens();
  };
  return {
    ...made,
    topic,
    open,
    /** What each connection has sent since the last time. */
    sent: () => network.sockets.map(({ sent }) => sent.splice(0).join(' ')),
    changed: () => clock.advance(GATHERED),
  };
}

async function live(t: TestContext, ...rest: Parameters<typeof rig> extends [unknown, ...infer R] ? R : never) {
  const made = await rig(t, ...rest);
  made.open();
  return made;
}

function socketOf({ network }: Awaited<ReturnType<typeof rig>>, number: number): FakeRemote {
  const socket = network.sockets[number - 1];
  assert.ok(socket);
  return socket;
}

test('symbols are spread over connections, each of which subscribes to its own', async (t) => {
  const { sent, network } = await live(t, [...'abcde']);
  assert.deepEqual(sent(), ['{"sub":["a","b"]}', '{"sub":["c","d"]}', '{"sub":["e"]}']);
  assert.equal(network.mostAtOnce, 3);
});

test('a list and numbers in it are symbols, too, and one that is named twice counts once', async (t) => {
  const { sent } = await live(t, [], {}, { shards: { topic: undefined, list: ['a', 7, 'a', 'b'] } });
  assert.deepEqual(sent(), ['{"sub":["a","7"]}', '{"sub":["b"]}']);
});

test('messages without symbols are sent once, others once for each per_message symbols', async (t) => {
  const subscribe = [{ login: 1 }, { sub: SYMBOLS }, 'SUB ${! meta.shard.symbols }', 'end'];
  const { sent } = await live(t, [...'abc'], { subscribe }, { shards: { per_connection: 3, per_message: 2 } });
  assert.deepEqual(sent(), ['{"login":1} {"sub":["a","b"]} {"sub":["c"]} SUB ["a","b"] SUB ["c"] end']);
});

test('connections are made one after the other, connect_interval apart, also after all were lost', async (t) => {
  const made = await rig(
    t,
    [...'abcdef'],
    { reconnect: { interval: '1s' } },
    { shards: { connect_interval: '100ms' } },
  );
  const { network, clock } = made;
  const dialled: number[] = [network.sockets.length];
  for (let n = 0; n < 3; n += 1) {
    clock.advance(100);
    dialled.push(network.sockets.length);
  }
  assert.deepEqual(dialled, [1, 2, 3, 3]);
  made.open();
  for (const socket of network.alive) socket.ends();
  const before = network.sockets.length;
  clock.advance(999);
  const again = [network.sockets.length - before];
  for (const step of [1, 99, 1, 99, 1]) {
    clock.advance(step);
    again.push(network.sockets.length - before);
  }
  assert.deepEqual(again, [0, 1, 1, 2, 2, 3]);
});

test('a change of the list sends only what has changed, on the connection that has it', async (t) => {
  const made = await live(t, [...'abcd']);
  made.sent();
  made.topic.remove('b');
  made.topic.set('e');
  made.clock.advance(100);
  assert.deepEqual(made.sent(), ['', ''], 'changes are gathered');
  made.changed();
  assert.deepEqual(made.sent(), ['{"unsub":["b"]} {"sub":["e"]}', '']);
  made.topic.set('a', 'c');
  made.changed();
  assert.deepEqual(made.sent(), ['', ''], 'symbols that are there already change nothing');
});

test('a symbol that is gone and comes back before the list is looked at again changes nothing', async (t) => {
  const made = await live(t, [...'ab']);
  made.sent();
  made.topic.remove('a');
  made.topic.set('a');
  made.changed();
  assert.deepEqual(made.sent(), ['']);
});

test('a connection without symbols is closed, and another one is made when there is no room', async (t) => {
  const made = await live(t, [...'abcd']);
  made.sent();
  made.topic.remove('c', 'd');
  made.changed();
  assert.deepEqual(socketOf(made, 2).orders, ['close 1000']);
  assert.deepEqual(made.sent(), ['', ''], 'closing says enough');
  made.topic.set('x', 'y', 'z');
  made.changed();
  made.open();
  assert.deepEqual(made.sent(), ['', '', '{"sub":["x","y"]}', '{"sub":["z"]}']);
});

test('an empty topic has no connection, and the feed begins when the first symbol comes', async (t) => {
  const made = await live(t, []);
  assert.equal(made.network.sockets.length, 0);
  made.topic.set('a');
  made.changed();
  made.open();
  assert.deepEqual(made.sent(), ['{"sub":["a"]}']);
  made.topic.recreate();
  made.changed();
  assert.equal(made.network.alive.length, 0);
});

test('what changes while a connection is made or waits is in its first messages, or follows them', async (t) => {
  const made = await rig(t, ['a'], { subscribe: { send: { sub: SYMBOLS }, expect: { ok: true } } });
  made.topic.set('b');
  made.changed();
  made.open();
  assert.deepEqual(made.sent(), ['{"sub":["a","b"]}']);
  made.topic.remove('a');
  made.changed();
  assert.deepEqual(made.sent(), [''], 'the reply is waited for');
  socketOf(made, 1).says('{"ok":true}');
  assert.deepEqual(made.sent(), ['{"unsub":["a"]}']);
  socketOf(made, 1).ends();
  made.topic.set('c');
  made.clock.advance(5_000);
  made.open();
  assert.deepEqual(made.sent(), ['', '{"sub":["b","c"]}']);
});

test('replies to a change are no records, and messages meanwhile pass in order', async (t) => {
  const subscribe = { send: { sub: SYMBOLS }, expect: { ok: true } };
  const made = await live(t, ['a'], { subscribe });
  const socket = socketOf(made, 1);
  socket.says('{"ok":true}');
  socket.says('{"n":1}');
  made.topic.set('b');
  made.changed();
  socket.says('{"n":2}');
  socket.says('{"ok":true}');
  socket.says('{"n":3}');
  socket.says('{"ok":true}');
  await turn();
  assert.deepEqual(made.texts(), ['{"n":1}', '{"n":2}', '{"n":3}', '{"ok":true}']);
});

test('a change that is refused or not answered is a warning, and the next message of it follows', async (t) => {
  const subscribe = { send: { sub: SYMBOLS }, expect: { ok: true }, reject: { ok: false }, timeout: '5s' };
  const made = await live(t, ['a'], { subscribe }, { shards: { per_connection: 9, per_message: 1 } });
  const socket = socketOf(made, 1);
  socket.says('{"ok":true}');
  made.sent();
  made.topic.set('bad', 'slow', 'good');
  made.changed();
  assert.deepEqual(made.sent(), ['{"sub":["bad"]}']);
  socket.says('{"ok":false,"why":"unknown symbol"}');
  assert.deepEqual(made.sent(), ['{"sub":["slow"]}']);
  made.clock.advance(5_000);
  assert.deepEqual(made.sent(), ['{"sub":["good"]}']);
  socket.says('{"ok":true}');
  assert.equal(socket.isEnded, false);
  const warnings = made.warnings();
  assert.match(warnings[0] ?? '', /refuses .*unknown symbol/);
  assert.match(warnings[1] ?? '', /no reply .* within 5s/);
  assert.equal(warnings.length, 2);
});

test('a change waits for the reply to the one before, has all that has changed by then, and no login', async (t) => {
  const subscribe = [{ login: 1 }, { send: { sub: SYMBOLS }, expect: { ok: true } }];
  const made = await live(t, ['a'], { subscribe }, { shards: { per_connection: 9 } });
  const socket = socketOf(made, 1);
  socket.says('{"ok":true}');
  assert.deepEqual(made.sent(), ['{"login":1} {"sub":["a"]}']);
  const change = (symbol: string) => {
    made.topic.set(symbol);
    made.changed();
    return made.sent();
  };
  assert.deepEqual(change('b'), ['{"sub":["b"]}']);
  assert.deepEqual([change('c'), change('d')], [[''], ['']]);
  socket.says('{"ok":true}');
  assert.deepEqual(made.sent(), ['{"sub":["c","d"]}']);
});

test('changes keep the interval of subscribe', async (t) => {
  const subscribe = { messages: [{ sub: SYMBOLS }], interval: '1s' };
  const made = await live(t, [...'ab'], { subscribe }, { shards: { per_connection: 9, per_message: 1 } });
  assert.deepEqual(made.sent(), ['{"sub":["a"]}']);
  made.clock.advance(1_000);
  assert.deepEqual(made.sent(), ['{"sub":["b"]}']);
  made.topic.set('c', 'd');
  made.changed();
  assert.deepEqual(made.sent(), ['']);
  made.clock.advance(1_000 - GATHERED);
  assert.deepEqual(made.sent(), ['{"sub":["c"]}']);
  made.clock.advance(1_000);
  assert.deepEqual(made.sent(), ['{"sub":["d"]}']);
});

test('both connections of an overlap subscribe to what is new', async (t) => {
  const made = await live(t, ['a'], {
    reconnect: { every: '10s', overlap: '5s' },
    dedupe: { id: '${! json.n }' },
  });
  made.clock.advance(10_000);
  made.open();
  made.sent();
  made.topic.set('b');
  made.changed();
  assert.deepEqual(made.sent(), ['{"sub":["b"]}', '{"sub":["b"]}']);
});

test('messages of all connections are records with the URL, and duplicates among them are dropped', async (t) => {
  const made = await live(t, [...'abc'], { dedupe: { id: '${! json.n }' } });
  socketOf(made, 1).says('{"n":1}');
  socketOf(made, 2).says('{"n":1}');
  socketOf(made, 2).says('{"n":2}');
  await turn();
  assert.deepEqual(made.texts(), ['{"n":1}', '{"n":2}']);
  assert.deepEqual(made.messages[1]?.meta, { url: 'wss://feed.example/ws', binary: false });
  assert.equal(made.counter('tidegate_remote_frames_received_total'), 3);
});

test('each of several URLs has all symbols, on connections and with a pace of its own', async (t) => {
  const url = ['wss://a.example/ws', 'wss://b.example/ws'];
  const made = await rig(
    t,
    [...'abc'],
    { url, dedupe: { id: '${! json.n }' } },
    { shards: { connect_interval: '1s' } },
  );
  assert.equal(made.network.sockets.length, 2, 'one for each server');
  made.clock.advance(1_000);
  made.open();
  const subscriptions = () => made.network.sockets.map((socket) => `${socket.asks().url} ${socket.sent.splice(0)}`);
  assert.deepEqual(subscriptions(), [
    'wss://a.example/ws {"sub":["a","b"]}',
    'wss://b.example/ws {"sub":["a","b"]}',
    'wss://a.example/ws {"sub":["c"]}',
    'wss://b.example/ws {"sub":["c"]}',
  ]);
  assert.deepEqual(
    made.feed.connections.map(({ state }) => state),
    Array(2).fill('live on 2 of 2 connections'),
  );
  made.topic.remove('a', 'b');
  made.changed();
  assert.equal(made.network.alive.length, 2);
});

test('a topic has 100,000 symbols at most, and records without a key are none', async (t) => {
  const symbols = Array.from({ length: 100_000 }, (_, n) => `S${n}`);
  const made = await live(t, symbols, {}, { shards: { per_connection: 200_000 } });
  made.topic.set('more', 'and more');
  made.changed();
  assert.equal(made.gauge('tidegate_remote_symbols'), 100_000);
  assert.match(made.errors().join(), /^p: the topic symbols has more than 100000 symbols; those that come later/);
  made.topic.remove('S0');
  made.topic.setWithoutKey();
  made.topic.set('late');
  made.changed();
  assert.match(made.sent()[0] ?? '', / \{"unsub":\["S0"\]\} \{"sub":\["late"\]\}$/);
});

test('while the feed is paused a new connection is not read, and a drained feed makes none', async (t) => {
  const made = await live(t, ['a'], {}, { shards: { per_connection: 1 } });
  made.feed.pause();
  made.topic.set('b');
  made.changed();
  made.open();
  assert.equal(socketOf(made, 2).isPaused, true);
  made.feed.resume();
  assert.equal(socketOf(made, 2).isPaused, false);
  made.feed.drain();
  made.topic.set('c');
  made.changed();
  assert.equal(made.network.sockets.length, 2);
});

test('a list that changes while the cursors are loaded makes one connection for each part of it', async (t) => {
  const clock = new SteadyClock();
  const topic = new SymbolTopic([...'abcd']);
  let isRestarted = false;
  const cursors = new (class extends MemoryCursors {
    override async load(name: string) {
      if (isRestarted && name.endsWith('shard 2')) {
        topic.remove('c', 'd');
        clock.advance(GATHERED);
        topic.set(...'efgh');
        clock.advance(GATHERED);
      }
      return super.load(name);
    }
  })();
  const first = await live(t, [...'abcd'], { resume: RESUME }, { cursors });
  socketOf(first, 2).says('{"n":20}');
  await turn();
  await first.feed.close();
  isRestarted = true;
  const made = await live(t, [], { resume: RESUME }, { cursors, topic, clock });
  // The cursor of c and d is not that of e and f.
  assert.deepEqual(made.sent(), ['{"sub":["a","b"]}', '{"sub":["e","f"]}', '{"sub":["g","h"]}']);
  assert.equal(made.network.sockets.length, 3);
});

test('a feed that is opened again has the list of then, and no symbol of before', async (t) => {
  const made = await live(t, [...'abc']);
  await made.feed.close();
  made.sent();
  made.topic.first = [...'bd'];
  await made.feed.open();
  made.open();
  assert.deepEqual(
    made.network.alive.map(({ sent }) => sent.join(' ')),
    ['{"sub":["b","d"]}'],
  );
});

test('a connection that was lost is no trouble any more when its symbols are gone', async (t) => {
  const made = await live(t, [...'abcd']);
  socketOf(made, 2).ends({ reason: 'gone' });
  assert.equal(made.reasons.at(-1), 'gone');
  made.topic.remove('c', 'd');
  made.changed();
  assert.equal(made.reasons.at(-1), undefined);
  assert.equal(made.feed.connections[0]?.notLiveReason, undefined);
  made.clock.advance(60_000);
  assert.equal(made.network.alive.length, 1);
});

test('a symbol that is subscribed to again begins its sequence again', async (t) => {
  const sequence = { value: '${! json.n }', by: '${! json.s }' };
  const made = await live(t, [...'ab'], { sequence });
  const socket = socketOf(made, 1);
  for (const symbol of ['a', 'b']) socket.says(`{"s":"${symbol}","n":1}`);
  await turn();
  made.topic.remove('a');
  made.changed();
  made.topic.set('a');
  made.changed();
  for (const symbol of ['a', 'b']) socket.says(`{"s":"${symbol}","n":9}`);
  await turn();
  assert.equal(made.counter('tidegate_remote_sequence_gaps_total', { kind: 'hole' }), 1, 'that of b');
});

test('the record of a gap has the symbols of its connection', async (t) => {
  const made = await live(t, [...'abc'], { gap: { record: true }, reconnect: { interval: '1s' } });
  socketOf(made, 2).ends();
  made.clock.advance(1_000);
  made.open();
  await turn();
  const { gap } = JSON.parse(made.texts()[0] ?? '') as { gap: { url: string; symbols: string[] } };
  assert.deepEqual([gap.url, gap.symbols], ['wss://feed.example/ws', ['c']]);
});

test('the server is live while all connections are, and its status says how many', async (t) => {
  const made = await rig(t, [...'abc']);
  const gauge = (name: string) => made.gauge(name);
  socketOf(made, 1).opens();
  assert.equal(made.feed.connections[0]?.state, 'live on 1 of 2 connections');
  const read = () => ['live', 'shards', 'shards_live', 'symbols'].map((name) => gauge(`tidegate_remote_${name}`));
  assert.deepEqual(read(), [0, 2, 1, 3]);
  socketOf(made, 2).opens();
  assert.deepEqual(read(), [1, 2, 2, 3]);
  assert.equal(made.counter('tidegate_remote_reconnects_total'), 0);
  socketOf(made, 2).ends({ reason: 'gone' });
  assert.deepEqual([made.feed.connections[0]?.notLiveReason, made.feed.connections.length], ['gone', 1]);
  made.clock.advance(60_000);
  made.open();
  assert.equal(made.counter('tidegate_remote_reconnects_total'), 1);
});

test('after a restart each symbol has the connection and the cursor that it had, whatever the list is now', async (t) => {
  const cursors = new MemoryCursors();
  const first = await live(t, [...'abcd'], { resume: RESUME }, { cursors });
  socketOf(first, 1).says('{"n":10}');
  socketOf(first, 2).says('{"n":20}');
  await turn();
  first.topic.remove('a');
  first.changed();
  await first.feed.close();
  const second = await live(t, [...'edcb'], { resume: RESUME }, { cursors });
  assert.deepEqual(second.sent(), ['{"sub":["b","e"]} {"after":10}', '{"sub":["c","d"]} {"after":20}']);
});

test('a connection that gets other symbols begins without the cursor of the earlier ones', async (t) => {
  const cursors = new MemoryCursors();
  const made = await live(t, [...'abc'], { resume: RESUME }, { cursors });
  socketOf(made, 2).says('{"n":20}');
  await turn();
  made.topic.remove('c');
  made.changed();
  made.topic.set('d');
  // Saving takes a turn.
  for (let n = 0; n < 5; n += 1) await turn();
  made.changed();
  made.open();
  assert.deepEqual(made.sent(), ['{"sub":["a","b"]}', '{"sub":["c"]}', '{"sub":["d"]}']);
  await made.feed.close();
  const second = await live(t, [...'abd'], { resume: RESUME }, { cursors });
  assert.deepEqual(second.sent(), ['{"sub":["a","b"]}', '{"sub":["d"]}']);
});

test('a part of the symbols has names of its own for its cursors', async (t) => {
  const cursors = new MemoryCursors();
  const symbols = Array.from({ length: 12 }, (_, n) => `s${n}`);
  const subscribed: string[] = [];
  for (const number of [1, 2, 3]) {
    const made = await live(
      t,
      symbols,
      { resume: RESUME },
      { cursors, shards: { share: `${number}/3`, per_connection: 12 } },
    );
    const { sub } = JSON.parse(made.sent()[0] ?? '') as { sub: string[] };
    subscribed.push(...sub);
    socketOf(made, 1).says(`{"n":${number}}`);
    await turn();
    await made.feed.close();
  }
  assert.deepEqual(subscribed.sort(), symbols.sort());
  const again = await live(t, symbols, { resume: RESUME }, { cursors, shards: { share: '2/3', per_connection: 12 } });
  assert.match(again.sent()[0] ?? '', /\{"after":2\}$/);
});

test('parts of the symbols keep their places apart from each other', async (t) => {
  const cursors = new MemoryCursors();
  const symbols = Array.from({ length: 24 }, (_, n) => `s${n}`);
  const part = (list: readonly string[], share: string) =>
    live(t, list, { resume: RESUME }, { cursors, shards: { share } });
  const before: string[][] = [];
  for (const share of ['1/2', '2/2']) {
    const made = await part(symbols, share);
    before.push(made.sent());
    await made.feed.close();
  }
  const again = await part([...symbols].reverse(), '1/2');
  assert.deepEqual(again.sent(), before[0]);
});
