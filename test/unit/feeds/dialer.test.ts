import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RemoteEnd } from '../../../src/core/remote.ts';
import { Dialer } from '../../../src/feeds/connection/dialer.ts';
import type { DialerHandler } from '../../../src/feeds/connection/dialer-handler.ts';
import { RemoteMetrics } from '../../../src/feeds/reports/metrics.ts';
import { compileConnectUrl } from '../../../src/sdk/connect-url.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { type Dial, NO_TRACING } from '../../../src/telemetry/tracing.ts';
import { keptLogger, turn } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { FakeNetwork, feedSettings, remoteContext } from './fake-remote.ts';

function setUp(settings: Record<string, unknown> = {}, url = 'wss://feed.example/ws', trace?: () => Dial | undefined) {
  const network = new FakeNetwork();
  const clock = new HandClock();
  const stats = createStats();
  const kept = keptLogger();
  const told = {
    lives: 0,
    /** Frames before it was live. */
    early: 0,
    frames: [] as string[],
    pongs: 0,
    lost: [] as (RemoteEnd & { heardAt: number })[],
    failures: [] as string[],
  };
  const cursor: { value: unknown } = { value: undefined };
  const parsed = feedSettings(settings);
  const tracing = { ...NO_TRACING, ...(trace === undefined ? {} : { dialling: trace }) };
  const handler: DialerHandler = {
    connects: () => undefined,
    lastCursor: () => cursor.value,
    live: () => {
      told.lives += 1;
    },
    ready: () => {},
    frame: (data) => {
      told.frames.push(data.toString());
      if (told.lives === 0) told.early += 1;
    },
    pong: () => {
      told.pongs += 1;
    },
    lost: (end, heardAt) => told.lost.push({ ...end, heardAt }),
    takesOver: () => false,
    failed: ({ code, message }) => told.failures.push(`${code} ${message}`),
  };
  const context = remoteContext(network, { path: 'p', clock, logger: kept.logger, stats, gateway: { tracing } });
  const metrics = new RemoteMetrics('u', context);
  const shared = {
    url: compileConnectUrl(url, 'ws'),
    name: 'wss://feed.example/ws',
    settings: parsed,
    metrics,
    context,
  };
  const dialer = new Dialer({ ...shared, resume: parsed.resume?.message }, handler);
  dialer.open();
  return { network, clock, stats, told, cursor, dialer, ...kept };
}

test('a connection without subscribe is live once the opening handshake is done', () => {
  const { network, dialer, told } = setUp();
  assert.equal(dialer.state, 'connecting');
  network.last.opens();
  assert.equal(dialer.state, 'live');
  assert.equal(told.lives, 1);
});

test('messages of subscribe are sent in order, each after the reply to the previous one', () => {
  const { network, dialer, told } = setUp({
    subscribe: [
      { send: { op: 'login' }, expect: { event: 'welcome', user: { role: 'reader' } } },
      'plain',
      { send: ['sub', 1], expect: '${! json.ok }' },
    ],
  });
  network.last.opens();
  assert.deepEqual(network.last.sent, ['{"op":"login"}']);
  network.last.says('{"event":"data"}');
  network.last.says('{"event":"welcome","user":{"role":"writer"}}');
  assert.equal(dialer.state, 'subscribing');
  network.last.says('{"event":"welcome","user":{"role":"reader","id":1},"more":true}');
  assert.deepEqual(network.last.sent.slice(1), ['plain', '["sub",1]']);
  network.last.says('{"ok":false}');
  network.last.says('{"ok":true}');
  assert.equal(dialer.state, 'live');
  network.last.says('{"ok":true}');
  // A reply that was waited for goes nowhere else; all other messages do.
  assert.deepEqual(told.frames, [
    '{"event":"data"}',
    '{"event":"welcome","user":{"role":"writer"}}',
    '{"ok":false}',
    '{"ok":true}',
  ]);
});

test('messages keep their order while an expression is evaluated by JSONata', async () => {
  const { network, dialer, told } = setUp({
    subscribe: [
      { send: 'a', expect: "${! json.type = 'ready' }" },
      { send: 'b', expect: "${! $contains(json.type, 'go') }" },
    ],
  });
  network.last.opens();
  for (const type of ['x', 'ready', 'y', 'no json', 'gone', 'z'])
    network.last.says(type === 'no json' ? type : JSON.stringify({ type }));
  await turn();
  assert.equal(dialer.state, 'live');
  assert.deepEqual(network.last.sent, ['a', 'b']);
  assert.deepEqual(told.frames, ['{"type":"x"}', '{"type":"y"}', 'no json', '{"type":"z"}']);
});

test('a missing reply ends the connection, and the warning quotes the last message of the server', () => {
  const { network, clock, dialer, told, lines, warnings } = setUp({
    subscribe: [{ send: 'login', expect: { ok: true }, timeout: '5s' }],
    headers: { 'X-Key': 'very-secret-key' },
  });
  network.last.opens();
  network.last.says('{"error":"very-secret-key is unknown"}');
  clock.advance(5_000);
  assert.equal(dialer.state, 'waiting');
  assert.equal(told.lost[0]?.kind, 'silent');
  assert.match(
    warnings()[0] ?? '',
    /no reply to message 1 of subscribe came within 5s; the server said: "{"error":"\*\*\* is unknown"}"; the next attempt is in/,
  );
  assert.doesNotMatch(JSON.stringify([told.lost, lines]), /very-secret-key/);
  clock.advance(500);
  network.last.opens();
  clock.advance(5_000);
  assert.match(warnings()[1] ?? '', /came within 5s; the server said nothing; the next attempt/);
});

test('a refusal ends the subscribe handshake at once; it is in the warning and does not become a record', async () => {
  for (const reject of [{ success: false }, '${! json.success = false }']) {
    const { network, told, stats, warnings, dialer } = setUp({
      subscribe: [{ send: 'login', expect: '${! json.op }', reject }],
    });
    network.last.opens();
    network.last.says('{"op":"login","success":false,"why":"no such user"}');
    await turn();
    assert.equal(dialer.state, 'waiting');
    assert.deepEqual([told.frames, told.lost[0]?.kind], [[], 'refused']);
    assert.match(
      warnings()[0] ?? '',
      /cannot connect to wss:\/\/feed.example\/ws: the server refuses message 1 of subscribe; the server said: "{"op":"login","success":false,"why":"no such user"}"; the next attempt/,
    );
    const labels = { component: 'p', url: 'u', reason: 'refused' };
    assert.equal(stats.counter('tidegate_remote_failed_tries_total', labels).value, 1);
  }
});

test('answers are not records if the subscribe handshake fails by a refusal, a timeout or a close', () => {
  for (const fails of ['refusal', 'timeout', 'goodbye'] as const) {
    const { network, clock, told, stats, warnings } = setUp({
      subscribe: [
        { send: 'a', expect: { a: true } },
        { send: 'b', expect: { b: true }, reject: { b: false } },
      ],
    });
    network.last.opens();
    network.last.says('{"hello":1}');
    network.last.says('{"a":true}');
    network.last.says('{"error":"not b"}');
    if (fails === 'refusal') network.last.says('{"b":false}');
    else if (fails === 'timeout') clock.advance(10_000);
    else network.last.ends({ kind: 'closed', code: 1008, reason: 'the server closed with 1008' });
    assert.deepEqual(told.frames, [], fails);
    const labels = { component: 'p', url: 'u', reason: 'refused' };
    assert.equal(stats.counter('tidegate_remote_dropped_total', labels).value, 2, fails);
    const answer = fails === 'refusal' ? /said: "{"b":false}"; the next/ : /said: "{"error":"not b"}"; the next/;
    assert.match(warnings()[0] ?? '', answer);
  }
});

test('messages before the last reply are passed on after it, in order; too many are passed on at once', () => {
  const { network, told } = setUp({ subscribe: [{ send: 'a', expect: { a: true } }] });
  network.last.opens();
  for (let n = 0; n < 1_000; n++) network.last.says(`${n}`);
  assert.deepEqual([told.frames.length, told.lives], [0, 0]);
  network.last.says('1000');
  network.last.says('1001');
  assert.deepEqual(
    told.frames,
    Array.from({ length: 1_002 }, (_, n) => `${n}`),
  );
  network.last.says('{"a":true}');
  assert.deepEqual([told.frames.length, told.lives], [1_002, 1]);
  const few = setUp({ subscribe: [{ send: 'a', expect: { a: true } }] });
  few.network.last.opens();
  for (const text of ['1', '2', '{"a":true}', '3']) few.network.last.says(text);
  assert.deepEqual([few.told.frames, few.told.early], [['1', '2', '3'], 0]);
  const other = setUp({ subscribe: [{ send: 'a', expect: { a: true } }] });
  other.network.last.opens();
  other.network.last.says('x'.repeat(1_048_577));
  assert.equal(other.told.frames.length, 1);
});

test('an answer is shown without secrets and then cut, so that no part of one is left', () => {
  const secret = `secret-${'s'.repeat(60)}`;
  const { network, warnings } = setUp({
    headers: { 'X-Key': secret },
    subscribe: [{ send: 'a', expect: { a: true }, reject: { a: false } }],
  });
  network.last.opens();
  network.last.says(JSON.stringify({ a: false, why: `${'x'.repeat(160)}${secret}\n${'y'.repeat(300)}` }));
  const [warning = ''] = warnings();
  assert.doesNotMatch(warning, /secret/);
  const quoted = /the server said: "(.*)"; the next/s.exec(warning)?.[1] ?? '';
  assert.equal(quoted.length, 201);
  assert.match(quoted, /x\*\*\*\\ny+…$/);
});

test('secrets in the answer of the server are not shown', () => {
  const { network, warnings } = setUp({ subscribe: [{ send: 'a', expect: { a: true }, reject: { a: false } }] });
  network.last.opens();
  network.last.says('{"a":false,"why":"bad channel","token":"of-the-session"}');
  assert.match(warnings()[0] ?? '', /"why":"bad channel","token":"\*\*\*"/);
});

test('a message whose value is missing is not sent, and no reply to it is waited for', () => {
  const { network, dialer } = setUp({
    auth: { token: '' },
    resume: { cursor: '${! json.seq }' },
    subscribe: [
      { send: '${! meta.token }', expect: { ok: true } },
      { send: { after: ['${! meta.cursor }'] }, expect: { ok: true } },
      'plain',
    ],
  });
  network.last.opens();
  assert.deepEqual([network.last.sent, dialer.state], [['plain'], 'live']);
});

test('URL, headers and subprotocols are made at each connect, with the current token and cursor', () => {
  const { network, clock, cursor } = setUp(
    {
      auth: { token_file: '/token', handshake: false },
      headers: { 'X-Auth': 'Key ${! meta.token }', 'X-After': '${! meta.cursor }' },
      protocols: ['v1', 'bearer.${! meta.token }'],
      resume: { cursor: '${! json.seq }' },
    },
    'wss://feed.example/ws?token=${! meta.token }&after=${! meta.cursor }',
  );
  assert.deepEqual(network.last.asks('a^b'), {
    url: 'wss://feed.example/ws?token=a%5Eb',
    headers: { 'X-Auth': 'Key a^b' },
    protocols: ['v1', 'bearer.a^b'],
  });
  network.last.ends();
  cursor.value = 41;
  clock.advance(500);
  assert.deepEqual(network.last.asks('c'), {
    url: 'wss://feed.example/ws?token=c&after=41',
    headers: { 'X-Auth': 'Key c', 'X-After': '41' },
    protocols: ['v1', 'bearer.c'],
  });
});

test('a token is not logged if the server repeats it in a refusal, plain or percent-encoded', () => {
  const { network, lines, told } = setUp({ auth: { token_file: '/token' } }, 'wss://feed.example/${! meta.token }/x');
  network.last.asks('token/of now');
  network.last.ends({
    kind: 'refused',
    reason: 'the server answers 301: it redirects to /token%2Fof%20now/ token/of now',
  });
  assert.match(JSON.stringify(lines), /redirects to \/\*\*\*\/ \*\*\*/);
  assert.doesNotMatch(JSON.stringify([lines, told]), /of now|of%20now/);
});

test('a heartbeat can contain the current token and cursor', () => {
  const { network, clock, cursor } = setUp({
    auth: { token_file: '/token' },
    resume: { cursor: '${! json.seq }' },
    heartbeat: { send: { every: '15s', message: '{"t":"${! meta.token }","at":${! meta.cursor }}' }, ping: '0s' },
  });
  network.last.opens('abc');
  cursor.value = 1;
  clock.advance(15_000);
  cursor.value = 2;
  clock.advance(15_000);
  assert.deepEqual(network.last.sent, ['{"t":"abc","at":1}', '{"t":"abc","at":2}']);
});

test('subscribe can use token and cursor, and the resume message is only sent with a cursor', () => {
  const { network, clock, cursor } = setUp({
    auth: { token_file: '/token' },
    subscribe: ['{"login":"${! meta.token }"}', { op: 'sub', after: '${! meta.cursor }' }],
    resume: { cursor: '${! json.seq }', message: { op: 'replay', after: '${! meta.cursor }' } },
  });
  network.last.opens('abc');
  assert.deepEqual(network.last.sent, ['{"login":"abc"}', '{"op":"sub"}']);
  network.last.ends();
  cursor.value = 41;
  clock.advance(500);
  network.last.opens('def');
  assert.deepEqual(network.last.sent, ['{"login":"def"}', '{"op":"sub","after":41}', '{"op":"replay","after":41}']);
});

test('pauses double up to the maximum, and start again once a connection has lasted', () => {
  const { network, clock } = setUp({ reconnect: { backoff: { initial: '1s', max: '8s' } } });
  const pause = () => {
    const before = network.sockets.length;
    const since = clock.time;
    while (network.sockets.length === before) clock.advance(1);
    return clock.time - since;
  };
  const pauses = [1, 2, 3, 4, 5, 6].map(() => {
    network.last.ends();
    return pause();
  });
  for (const [at, ceiling] of [1_000, 2_000, 4_000, 8_000, 8_000, 8_000].entries()) {
    const each = pauses[at] as number;
    assert.ok(each >= ceiling / 2 && each <= ceiling, `pause ${at + 1} was ${each} ms`);
  }
  // Live, and closed at once: that is no better than not being let in.
  network.last.opens();
  network.last.ends();
  assert.ok(pause() >= 4_000);
  network.last.opens();
  clock.advance(10_000);
  network.last.ends();
  assert.ok(pause() <= 1_000);
});

test('with an interval every pause is the same', () => {
  const { network, clock } = setUp({ reconnect: { interval: '3s' } });
  for (let n = 1; n <= 5; n++) {
    network.last.ends();
    clock.advance(2_999);
    assert.equal(network.sockets.length, n);
    clock.advance(1);
    assert.equal(network.sockets.length, n + 1);
  }
});

test('without reconnecting, the end of a connection is final and logged', () => {
  const { network, clock, dialer, told, errors } = setUp({ reconnect: { enabled: false } });
  network.last.opens();
  network.last.ends({ kind: 'closed', code: 1000, reason: 'the server closed with 1000' });
  clock.advance(3_600_000);
  assert.equal(dialer.state, 'failed');
  assert.equal(network.sockets.length, 1);
  assert.deepEqual(told.failures, [
    'TG_REMOTE_FAILED lost the connection to wss://feed.example/ws: the server closed with 1000; reconnect.enabled is false, so there is no other attempt',
  ]);
  assert.equal(errors().length, 1);
});

test('a server that does not answer the handshake is cut after connect_timeout and dialled again', () => {
  const { network, clock, dialer, told, warnings } = setUp({ connect_timeout: '4s' });
  clock.advance(4_000);
  assert.deepEqual(network.last.orders, ['terminate']);
  assert.equal(dialer.state, 'waiting');
  assert.equal(told.lost[0]?.kind, 'silent');
  assert.match(
    warnings()[0] ?? '',
    /cannot connect to wss:\/\/feed.example\/ws: there was no answer within 4s; the next attempt is in/,
  );
  clock.advance(500);
  assert.equal(dialer.state, 'connecting');
});

test('a connection is stale if nothing is read after a ping; anything that is read counts', () => {
  const { network, clock, dialer, told } = setUp({ heartbeat: { ping: '10s', timeout: '3s' } });
  network.last.opens();
  const socket = network.last;
  for (let n = 1; n <= 3; n++) {
    clock.advance(n === 1 ? 10_000 : 7_000);
    assert.equal(socket.pings.length, n);
    // Half of a frame.
    socket.bytesRead += 1;
    clock.advance(3_000);
  }
  assert.equal(dialer.state, 'live');
  socket.says('x');
  const heardAt = clock.time;
  clock.advance(10_000);
  assert.equal(dialer.state, 'waiting');
  assert.deepEqual([told.lost[0]?.kind, told.lost[0]?.heardAt], ['silent', heardAt]);
});

test('ping 0s sends no pings', () => {
  const { network, clock, dialer } = setUp({ heartbeat: { ping: '0s' } });
  network.last.opens();
  clock.advance(3_600_000);
  assert.deepEqual(network.last.pings, []);
  assert.equal(dialer.state, 'live');
});

test('a heartbeat is sent regularly, and a connection without the expected one is stale', () => {
  const { network, clock, dialer } = setUp({
    heartbeat: {
      ping: '0s',
      send: { every: '5s', message: { type: 'hb' } },
      expect: { within: '12s', frame: { type: 'hb' } },
    },
  });
  network.last.opens();
  clock.advance(10_000);
  assert.deepEqual(network.last.sent, ['{"type":"hb"}', '{"type":"hb"}']);
  network.last.says('{"type":"hb"}');
  clock.advance(8_000);
  network.last.says('{"type":"data"}');
  assert.equal(dialer.state, 'live');
  clock.advance(4_000);
  assert.equal(dialer.state, 'waiting');
});

test('a paused connection is never stale, is read for a turn at intervals, and then restarts its timers', async () => {
  const { network, clock, dialer } = setUp({ heartbeat: { ping: '10s', timeout: '5s', expect: { within: '20s' } } });
  network.last.opens();
  dialer.pause();
  assert.equal(network.last.isPaused, true);
  clock.advance(1_900);
  await turn();
  assert.deepEqual(network.last.orders, ['pause']);
  clock.advance(100);
  assert.equal(network.last.isPaused, false);
  await turn();
  assert.deepEqual(network.last.orders, ['pause', 'resume', 'pause']);
  clock.advance(3_600_000);
  assert.equal(dialer.state, 'live');
  dialer.resume();
  assert.equal(network.last.isPaused, false);
  clock.advance(14_999);
  assert.equal(dialer.state, 'live');
  clock.advance(1);
  assert.equal(dialer.state, 'waiting');
});

test('looks at a paused socket continue while they read little, and end when they have read much', async () => {
  const { network, clock, dialer } = setUp({ heartbeat: { ping: '0s' } });
  network.last.opens();
  dialer.pause();
  const looks = () => network.last.orders.filter((order) => order === 'resume').length;
  for (let n = 0; n < 100; n++) {
    clock.advance(2_000);
    await turn();
  }
  assert.equal(looks(), 100);
  clock.advance(2_000);
  for (let n = 0; n < 3; n++) network.last.says('x');
  assert.equal(network.last.isPaused, false, 'a close may be behind small frames');
  await turn();
  for (let n = 0; n < 100; n++) {
    clock.advance(2_000);
    network.last.says('x'.repeat(65_536));
    assert.equal(network.last.isPaused, true, 'a look ends with a large frame: Node would read on');
    await turn();
  }
  assert.equal(looks(), 165);
  assert.equal(clock.pending, 0);
});

test('a connection that is made while reading is paused gets its replies and is paused then', () => {
  const { network, dialer } = setUp({ subscribe: [{ send: 'a', expect: { ok: true } }] });
  dialer.pause();
  network.last.opens();
  assert.equal(network.last.isPaused, false);
  network.last.says('{"ok":true}');
  assert.equal(dialer.state, 'live');
  assert.equal(network.last.isPaused, true);
});

test('close does the closing handshake and resolves when the socket is gone; a silent server is cut', async () => {
  const { network, clock, dialer, told } = setUp();
  network.last.opens();
  network.last.isPolite = false;
  let isGone = false;
  const gone = dialer.close().then(() => {
    isGone = true;
  });
  network.last.says('too late');
  network.last.pongs(Buffer.from('too late'));
  await turn();
  assert.equal(isGone, false);
  clock.advance(3_000);
  await gone;
  assert.deepEqual(network.last.orders, ['close 1000', 'terminate']);
  assert.deepEqual([told.frames, told.pongs, told.lost], [[], 0, []]);
  assert.equal(clock.pending, 0);
});

test('close ends at once while dialling, while waiting and after a failure, and leaves no timer', async () => {
  for (const state of ['connecting', 'waiting', 'failed']) {
    const { network, clock, dialer } = setUp({ reconnect: { enabled: state !== 'failed' } });
    if (state !== 'connecting') network.last.ends();
    assert.equal(dialer.state, state);
    assert.equal(clock.pending, state === 'failed' ? 0 : 1);
    await Promise.all([dialer.close(), dialer.close()]);
    // Before the clock moves on: a timer that was left would be gone by having been called.
    assert.equal(clock.pending, 0);
    assert.deepEqual(network.alive, []);
    clock.advance(3_600_000);
    assert.equal(network.sockets.length, 1);
  }
});

test('secrets reach neither a log line nor the reason, even if the server repeats them', () => {
  const { network, told, lines } = setUp(
    {
      auth: { token: 'token-from-yaml' },
      headers: { Cookie: 'session=cookie-secret' },
      proxy: 'http://me:proxy-secret@proxy:3128',
    },
    'wss://user:pass-secret@feed.example/ws?apikey=query-secret',
  );
  network.last.opens('token-of-now');
  const said = 'token-from-yaml token-of-now session=cookie-secret pass-secret query-secret proxy-secret';
  network.last.ends({ kind: 'closed', code: 4001, reason: `the server closed with 4001 "${said}"` });
  const written = JSON.stringify([lines, told]);
  for (const secret of said.split(' ')) assert.ok(!written.includes(secret), `${secret} was written`);
  assert.match(written, /\*\*\* \*\*\* \*\*\*/);
});

test('a traced handshake has the headers of its span, unless set, and the span ends with the failure', () => {
  const ends: (string | undefined)[] = [];
  const fields = [
    ['b3', 'of the span'],
    ['traceparent', 'of the span'],
  ] as const;
  const trace = () => ({ fields, end: (failure?: string) => ends.push(failure) });
  const { network, clock } = setUp({ headers: { B3: 'my own' }, reconnect: { interval: '1s' } }, undefined, trace);
  assert.deepEqual(network.last.asks().headers, { B3: 'my own', traceparent: 'of the span' });
  network.last.ends({ kind: 'unreachable', reason: 'no server there' });
  clock.advance(1_000);
  network.last.opens();
  assert.deepEqual(ends, ['no server there', undefined]);
  const untraced = setUp({}, undefined, () => undefined);
  assert.deepEqual(untraced.network.last.asks().headers, {});
});
