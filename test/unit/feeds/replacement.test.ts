import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RemoteSink } from '../../../src/feeds/sink/remote-sink.ts';
import { keptLogger, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { FakeNetwork, remoteContext, sinkSettings } from './fake-remote.ts';
import { feedRig } from './feed-rig.ts';

const seq = (n: number) => JSON.stringify({ seq: n });
const RESUME = { cursor: '${! json.seq }', message: { after: '${! meta.cursor }' } };
const DEDUPE = { id: '${! json.seq }' };
/** Far less than the pauses of the back-off. */
const NOW = 1;

test('a message by which the server asks for a new connection is no record; the next one is made at once', async (t) => {
  const { network, clock, texts, counter, infos, warnings } = await feedRig(t, {
    reconnect: { on: '${! json.code = 20051 }' },
  });
  network.last.opens();
  network.last.says(seq(1));
  network.last.says('{"code":20051,"msg":"bye"}');
  assert.deepEqual(network.last.orders, ['close 1000']);
  clock.advance(NOW);
  assert.equal(network.sockets.length, 2);
  network.last.opens();
  network.last.says(seq(2));
  await turn();
  assert.deepEqual(texts(), [seq(1), seq(2)]);
  assert.equal(network.mostAtOnce, 1);
  assert.equal(counter('tidegate_remote_replaced_total', { cause: 'message' }), 1);
  assert.equal(counter('tidegate_remote_lost_total', { reason: 'closed' }), 0);
  assert.equal(counter('tidegate_remote_gaps_total'), 1, 'without an overlap there is a gap');
  assert.match(infos().join('\n'), /asks for a new connection; the server said: "\{"code":20051.*made again at once/);
  assert.doesNotMatch(warnings().join('\n'), /attempt/);
});

test('a server that asks again and again gets new connections after the pauses of the back-off', async (t) => {
  const { network, clock } = await feedRig(t, { reconnect: { on: { op: 'reconnect' }, backoff: { initial: '4s' } } });
  const ask = () => {
    network.last.opens();
    network.last.says('{"op":"reconnect"}');
    clock.advance(NOW);
  };
  ask();
  assert.equal(network.sockets.length, 2);
  ask();
  assert.equal(network.sockets.length, 2, 'there is a pause');
  clock.advance(4_000);
  assert.equal(network.sockets.length, 3);
  ask();
  clock.advance(3_900);
  assert.equal(network.sockets.length, 3, 'the pause is longer');
  clock.advance(4_100);
  assert.equal(network.sockets.length, 4);
  network.last.opens();
  clock.advance(10_000);
  network.last.says('{"op":"reconnect"}');
  clock.advance(NOW);
  assert.equal(network.sockets.length, 5);
});

test('a server that asks with each message gets longer pauses, which do not count as silence', async (t) => {
  for (const overlap of [undefined, '1s']) {
    const { network, clock } = await feedRig(t, {
      dedupe: DEDUPE,
      reconnect: { on: { op: 'reconnect' }, backoff: { initial: '4s', max: '20s' }, ...(overlap && { overlap }) },
    });
    let connects = 0;
    for (let seconds = 0; seconds < 600; seconds += 1) {
      for (const socket of network.sockets.slice(connects)) socket.opens();
      connects = network.sockets.length;
      // Once it leads, if there is an overlap.
      clock.advance(1_000);
      await turn();
      for (const socket of network.alive.filter((each) => network.sockets.indexOf(each) < connects))
        socket.says('{"op":"reconnect"}');
      clock.advance(NOW);
    }
    // The pauses have no random part here: 2, 4, 8 and then 10 s.
    assert.ok(connects > 10 && connects < 70, `${overlap}: ${connects} connections`);
  }
});

test('every: connections that do not last 10 s are replaced at once, too', async (t) => {
  const { network, clock } = await feedRig(t, { reconnect: { every: '5s' } });
  for (let connects = 1; connects <= 10; connects += 1) {
    assert.equal(network.sockets.length, connects);
    network.last.opens();
    clock.advance(5_000);
    clock.advance(NOW);
  }
});

test('a request for a new connection that needs JSONata is found in the order of the messages', async (t) => {
  const { network, texts } = await feedRig(t, { reconnect: { on: '${! $contains($string(json.op), /^rec/) }' } });
  network.last.opens();
  network.last.isPolite = false;
  for (const text of ['no json', seq(1), '{"op":"reconnect"}', seq(2), '{"op":"other"}']) network.last.says(text);
  for (let n = 0; n < 20; n++) await turn();
  assert.deepEqual(texts(), ['no json', seq(1), seq(2), '{"op":"other"}']);
  assert.deepEqual(network.last.orders, ['close 1000']);
  network.last.ends();
});

test('messages that arrive while the connection is closed to be replaced are records', async (t) => {
  const { network, texts } = await feedRig(t, { reconnect: { on: { op: 'reconnect' } } });
  network.last.opens();
  network.last.isPolite = false;
  network.last.says('{"op":"reconnect"}');
  network.last.says(seq(1));
  network.last.says('{"op":"reconnect"}');
  await turn();
  assert.deepEqual(texts(), [seq(1)]);
  assert.deepEqual(network.last.orders, ['close 1000']);
  network.last.ends();
});

test('every: a connection is replaced at that age, or up to a tenth earlier at random', async (t) => {
  const { network, clock, counter } = await feedRig(t, { reconnect: { every: '100s' } });
  network.last.opens();
  clock.advance(99_999);
  assert.equal(network.sockets.length, 1);
  clock.jitter = () => 1;
  clock.advance(2);
  assert.equal(network.sockets.length, 2);
  network.last.opens();
  clock.advance(89_999);
  assert.equal(network.sockets.length, 2);
  clock.advance(2);
  assert.equal(network.sockets.length, 3);
  assert.equal(counter('tidegate_remote_replaced_total', { cause: 'age' }), 2);
  assert.equal(network.mostAtOnce, 1);
});

test('a sink closes the old connection first, and sends unconfirmed records again on the new one', async (t) => {
  const network = new FakeNetwork();
  const clock = new HandClock();
  const sink = new RemoteSink(
    sinkSettings({ reconnect: { every: '100s' }, heartbeat: { ping: '0s' } }),
    remoteContext(network, { clock, logger: keptLogger().logger }),
  );
  await sink.open();
  t.after(() => sink.close());
  network.last.opens();
  clock.advance(100_001);
  assert.equal(network.sockets.length, 2);
  assert.equal(network.mostAtOnce, 1);
});

const OVERLAP = { every: '100s', overlap: '10s' };

test('a connection that is made at once has the cursor of the last message, also if it needs JSONata', async (t) => {
  const cursor = '${! ($x := $match("a", /a/).match; json.seq) }';
  for (const overlap of [{}, { overlap: '10s' }]) {
    const { network, clock, texts } = await feedRig(t, {
      url: 'wss://feed.example/ws?after=${! meta.cursor }',
      resume: { cursor, message: { after: '${! meta.cursor }' } },
      reconnect: { every: '100s', ...overlap },
    });
    await network.last.opensLater();
    for (const n of [1, 2, 3]) network.last.says(seq(n));
    clock.advance(100_001);
    const [old, next] = network.sockets;
    assert.ok(old && next);
    assert.equal((await next.opensLater()).url, 'wss://feed.example/ws?after=3');
    assert.deepEqual(next.sent, ['{"after":3}']);
    for (let n = 0; n < 10; n += 1) await turn();
    assert.deepEqual(texts(), [1, 2, 3].map(seq));
  }
});

test('overlap: the new connection is live before the old one is closed; nothing is lost or stored twice', async (t) => {
  for (const [name, settings] of Object.entries({ resume: { resume: RESUME }, dedupe: { dedupe: DEDUPE } })) {
    const { network, clock, texts, counter, infos, warnings, reasons } = await feedRig(t, {
      ...settings,
      subscribe: { send: 'a', expect: { ok: true } },
      reconnect: OVERLAP,
    });
    network.last.opens();
    network.last.says('{"ok":true}');
    network.last.says(seq(1));
    clock.advance(100_000);
    const [old, next] = network.sockets;
    assert.ok(old !== undefined && next !== undefined, name);
    next.opens();
    clock.advance(9_000);
    assert.deepEqual(old.orders, [], 'the new one is not subscribed yet');
    next.says('{"ok":true}');
    old.says(seq(2));
    next.says(seq(2));
    next.says(seq(3));
    old.says(seq(3));
    next.says(seq(4));
    await turn();
    assert.deepEqual(texts(), [1, 2, 3].map(seq), 'the old one leads');
    clock.advance(9_999);
    assert.deepEqual(old.orders, []);
    clock.advance(1);
    assert.deepEqual(old.orders, ['close 1000']);
    await turn();
    next.says(seq(5));
    await turn();
    assert.deepEqual(texts(), [1, 2, 3, 4, 5].map(seq));
    assert.equal(counter('tidegate_remote_replaced_total', { cause: 'age' }), 1);
    assert.equal(counter('tidegate_remote_gaps_total'), 0);
    assert.equal(counter('tidegate_remote_dropped_total', { reason: 'duplicate' }), 2);
    assert.equal(counter('tidegate_remote_frames_received_total'), 7);
    assert.deepEqual(warnings(), []);
    assert.match(infos().join('\n'), /has replaced the old one; the old one is closed/);
    assert.deepEqual(reasons, [undefined], 'it was never down');
  }
});

test('with resume, what the new connection repeats is dropped, also after the old one is gone', async (t) => {
  const { network, clock, texts } = await feedRig(t, { resume: RESUME, reconnect: OVERLAP });
  network.last.opens();
  network.last.says(seq(1));
  clock.advance(100_000);
  const [old, next] = network.sockets;
  next?.opens();
  assert.deepEqual(next?.sent, ['{"after":1}']);
  for (const n of [2, 3, 4]) old?.says(seq(n));
  clock.advance(10_000);
  await turn();
  for (const n of [2, 3, 4, 5]) next?.says(seq(n));
  await turn();
  assert.deepEqual(texts(), [1, 2, 3, 4, 5].map(seq));
});

test('a new connection that is lost while the old one is closed doubles nothing of the old one', async (t) => {
  for (const settings of [{ resume: RESUME }, { dedupe: DEDUPE }]) {
    const { network, clock, texts } = await feedRig(t, { ...settings, reconnect: OVERLAP });
    network.last.opens();
    network.last.says(seq(1));
    clock.advance(100_000);
    const [old, next] = network.sockets;
    assert.ok(old && next);
    next.opens();
    for (const n of [2, 3]) next.says(seq(n));
    old.isPolite = false;
    clock.advance(10_000);
    await turn();
    assert.deepEqual(old.orders, ['close 1000']);
    next.ends();
    for (const n of [2, 3, 4]) old.says(seq(n));
    clock.advance(500);
    network.last.opens();
    old.says(seq(5));
    for (const n of [5, 6]) network.last.says(seq(n));
    old.ends();
    await turn();
    network.last.says(seq(7));
    await turn();
    assert.deepEqual(texts(), [1, 2, 3, 4, 5, 6, 7].map(seq));
  }
});

test('if the new connection never gets live, the old one stays until the server cuts it', async (t) => {
  const { network, clock, texts, counter, reasons, feed, infos } = await feedRig(t, {
    resume: RESUME,
    reconnect: OVERLAP,
  });
  const old = network.last;
  old.opens();
  clock.advance(100_000);
  for (let n = 1; n <= 5; n++) {
    network.last.ends({ kind: 'refused', reason: 'full' });
    clock.advance(30_000);
    old.says(seq(n));
  }
  await turn();
  assert.deepEqual(texts(), [1, 2, 3, 4, 5].map(seq));
  assert.deepEqual(old.orders, []);
  assert.deepEqual(reasons, [undefined]);
  assert.equal(feed.connections[0]?.state, 'live');
  assert.equal(feed.connections[0]?.nextState, 'connecting');
  assert.match(infos().join('\n'), /is live, and the connection that is to replace it is/);
  const dialled = network.sockets.length;
  old.ends({ reason: '24 hours' });
  assert.equal(network.sockets.length, dialled, 'the new one is being dialled already');
  assert.equal(reasons.at(-1), '24 hours');
  clock.advance(1_000);
  network.last.opens();
  assert.deepEqual(network.last.sent, ['{"after":5}']);
  network.last.says(seq(6));
  await turn();
  assert.equal(reasons.at(-1), undefined);
  assert.deepEqual(texts(), [1, 2, 3, 4, 5, 6].map(seq));
  assert.equal(counter('tidegate_remote_gaps_total'), 1);
  assert.equal(counter('tidegate_remote_gap_seconds_total'), 1);
});

test('an old connection that is cut while both are live is no gap: the new one takes its place at once', async (t) => {
  const { network, clock, texts, counter, infos } = await feedRig(t, { dedupe: DEDUPE, reconnect: OVERLAP });
  network.last.opens();
  clock.advance(100_000);
  const [old, next] = network.sockets;
  next?.opens();
  next?.says(seq(1));
  old?.ends({ reason: '24 hours' });
  next?.says(seq(2));
  await turn();
  assert.deepEqual(texts(), [1, 2].map(seq));
  assert.equal(counter('tidegate_remote_gaps_total'), 0);
  assert.equal(network.alive.length, 1);
  clock.advance(99_000);
  assert.equal(network.sockets.length, 2, 'the old one is not dialled again, and the age of the new one counts');
  clock.advance(1_000);
  assert.equal(network.sockets.length, 3);
  assert.match(infos().join('\n'), /the old one was lost: 24 hours/);
});

test('a new connection that is lost before it leads costs nothing, and is made again', async (t) => {
  const { network, clock, texts, counter } = await feedRig(t, { resume: RESUME, reconnect: OVERLAP });
  const old = network.last;
  old.opens();
  old.says(seq(1));
  clock.advance(100_000);
  network.last.opens();
  network.last.says(seq(2));
  network.last.says(seq(3));
  network.last.ends();
  old.says(seq(2));
  clock.advance(600);
  network.last.opens();
  assert.deepEqual(network.last.sent, ['{"after":2}']);
  network.last.says(seq(3));
  clock.advance(9_000);
  assert.deepEqual(old.orders, [], 'the overlap begins again');
  old.says(seq(3));
  clock.advance(1_000);
  await turn();
  network.last.says(seq(4));
  await turn();
  assert.deepEqual(texts(), [1, 2, 3, 4].map(seq));
  assert.equal(counter('tidegate_remote_gaps_total'), 0);
});

test('a server that asks for a new connection is read meanwhile; if it asks again, it is closed first', async (t) => {
  const { network, clock, counter } = await feedRig(t, {
    dedupe: DEDUPE,
    reconnect: { on: { op: 'reconnect' }, overlap: '5s' },
  });
  const old = network.last;
  old.opens();
  old.says('{"op":"reconnect"}');
  old.says('{"op":"reconnect"}');
  assert.equal(network.sockets.length, 2);
  network.last.opens();
  clock.advance(5_000);
  assert.equal(old.isEnded, true);
  await turn();
  const second = network.last;
  second.says('{"op":"reconnect"}');
  assert.equal(second.isEnded, true);
  clock.advance(NOW);
  assert.equal(network.sockets.length, 3);
  assert.equal(counter('tidegate_remote_replaced_total', { cause: 'message' }), 2);
});

test('with ack, a message of both connections is answered on both, once it is stored', async (t) => {
  const { network, clock, messages } = await feedRig(
    t,
    {
      dedupe: DEDUPE,
      resume: { cursor: '${! json.seq }' },
      ack: { message: { ack: '${! json.seq }' } },
      reconnect: OVERLAP,
    },
    { isSettling: false },
  );
  network.last.opens();
  clock.advance(100_000);
  const [old, next] = network.sockets;
  next?.opens();
  old?.says(seq(1));
  next?.says(seq(1));
  await turn();
  assert.equal(messages.length, 1);
  assert.deepEqual([old?.sent, next?.sent], [[], []]);
  messages[0]?.ack();
  assert.deepEqual([old?.sent, next?.sent], [['{"ack":1}'], ['{"ack":1}']]);
});

test('an overlap stops with the gateway: what either connection has received is a record', async (t) => {
  const { feed, network, clock, texts } = await feedRig(t, { dedupe: DEDUPE, reconnect: OVERLAP });
  network.last.opens();
  clock.advance(100_000);
  const [old, next] = network.sockets;
  next?.opens();
  next?.says(seq(1));
  void feed.drain();
  old?.says(seq(1));
  old?.says(seq(2));
  await turn();
  assert.deepEqual(texts(), [1, 2].map(seq));
  clock.advance(200_000);
  assert.equal(network.sockets.length, 2);
  await feed.close();
  assert.deepEqual(network.alive, []);
  assert.equal(clock.pending, 0);
});

test('messages of an overlap without an id are compared by their content', async (t) => {
  const { network, clock, texts } = await feedRig(t, { dedupe: DEDUPE, reconnect: OVERLAP });
  network.last.opens();
  network.last.says('hello');
  clock.advance(100_000);
  const [old, next] = network.sockets;
  old?.says('before');
  next?.opens();
  for (const text of ['tick', 'tick']) old?.says(text);
  for (const text of ['hello', 'tick', 'tick', 'tick']) next?.says(text);
  clock.advance(10_000);
  await turn();
  assert.deepEqual(texts(), ['hello', 'before', 'tick', 'tick', 'hello', 'tick']);
});

test('a new connection is paused, too, while the pipeline is congested', async (t) => {
  const { feed, network, clock } = await feedRig(t, { dedupe: DEDUPE, reconnect: OVERLAP });
  network.last.opens();
  feed.pause();
  clock.advance(100_000);
  const [old, next] = network.sockets;
  next?.opens();
  await turn();
  assert.deepEqual([old?.isPaused, next?.isPaused], [true, true]);
  feed.resume();
  assert.deepEqual([old?.isPaused, next?.isPaused], [false, false]);
});

test('a server that sends on while its connection is closed is cut off if the pipeline is congested', async (t) => {
  const megabyte = (n: number) => JSON.stringify({ seq: n, padding: 'x'.repeat(1_048_576) });
  for (const overlap of [{}, { overlap: '10s' }]) {
    const { feed, network, clock } = await feedRig(t, { dedupe: DEDUPE, reconnect: { every: '100s', ...overlap } });
    const old = network.last;
    old.isPolite = false;
    old.opens();
    feed.pause();
    clock.advance(100_000);
    if (network.last !== old) {
      network.last.opens();
      clock.advance(10_000);
    }
    assert.ok(old.orders.includes('close 1000'));
    for (const n of [1, 2, 3]) old.says(megabyte(n));
    assert.equal(old.isEnded, false);
    old.says(megabyte(4));
    assert.equal(old.isEnded, true);
  }
});

test('more than 10,000 messages of the new connection do not wait: both lead, and nothing is doubled', async (t) => {
  const { network, clock, texts } = await feedRig(t, { resume: RESUME, reconnect: OVERLAP });
  network.last.opens();
  clock.advance(100_000);
  const [old, next] = network.sockets;
  next?.opens();
  for (let n = 1; n <= 10_000; n++) next?.says(seq(n));
  await turn();
  assert.equal(texts().length, 0);
  next?.says(seq(10_001));
  for (let n = 1; n <= 10_001; n++) old?.says(seq(n));
  await turn();
  assert.equal(texts().length, 10_001);
});
