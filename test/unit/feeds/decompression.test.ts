// Own process: it measures the buffers of its whole process.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { turn } from '../actors/rig.ts';
import { servedFeed } from './served-feed.ts';

const PLAIN = '{"ch":"trade","price":"1.50"}';
const FORMS = { gzip: gzipSync(PLAIN), zlib: deflateSync(PLAIN), raw: deflateRawSync(PLAIN) };

describe('decompress', () => {
  const takes = { gzip: ['gzip'], deflate: ['zlib', 'raw'], auto: ['gzip', 'zlib'] } as const;
  for (const [decompress, forms] of Object.entries(takes))
    for (const form of forms)
      test(`${decompress} takes ${form}, and what is UTF-8 counts as text`, async (t) => {
        const { network, texts, messages } = await servedFeed(t, { decompress });
        network.last.opens();
        network.last.says(FORMS[form]);
        await turn();
        assert.deepEqual(texts(), [PLAIN]);
        assert.equal(messages()[0]?.meta.binary, false);
      });

  test('deflate tells raw deflate from zlib whatever it begins with', async (t) => {
    const { network, texts } = await servedFeed(t, { decompress: 'deflate' });
    const sent = Array.from({ length: 400 }, (_, n) => `${n}`.repeat((n % 7) + 1));
    network.last.opens();
    for (const text of sent) network.last.says(deflateRawSync(text, { level: sent.indexOf(text) % 10 }));
    await turn();
    assert.deepEqual(texts(), sent);
  });

  test('text passes, and with auto also binary messages that are not compressed', async (t) => {
    const { network, messages } = await servedFeed(t, { decompress: 'auto' });
    network.last.opens();
    network.last.says('plain');
    network.last.says(Buffer.from('plain'));
    network.last.says(Buffer.alloc(0));
    network.last.says(gzipSync(Buffer.from([0xff, 0x00])));
    await turn();
    const facts = messages().map(({ payload, meta }) => [payload.toString('latin1'), meta.binary]);
    assert.deepEqual(facts, [
      ['plain', false],
      ['plain', true],
      ['', true],
      ['\xff\0', true],
    ]);
  });

  test('expect, reply, heartbeat.expect, resume and dedupe see the message as it was before', async (t) => {
    const { network, clock, texts, dropped } = await servedFeed(t, {
      decompress: 'gzip',
      subscribe: [{ send: 'login', expect: { ok: true } }],
      heartbeat: {
        ping: '0s',
        expect: { within: '5s', frame: { ch: 'beat' } },
        reply: { when: '${! $exists(json.ping) }', message: { pong: '${! json.ping }' } },
      },
      resume: { cursor: '${! json.seq }', message: { after: '${! meta.cursor }' } },
      dedupe: { id: '${! json.seq }' },
    });
    const say = (json: unknown) => network.last.says(gzipSync(JSON.stringify(json)));
    network.last.opens();
    say({ ok: true });
    for (const seq of [1, 2, 2]) say({ seq });
    say({ ping: 1 });
    await turn();
    assert.deepEqual(texts(), ['{"seq":1}', '{"seq":2}']);
    assert.equal(dropped('duplicate'), 1);
    clock.advance(4_000);
    say({ ch: 'beat' });
    clock.advance(4_000);
    assert.equal(network.last.isEnded, false);
    assert.deepEqual(network.last.sent, ['login', '{"pong":1}']);
    network.last.ends();
    clock.advance(500);
    network.last.opens();
    say({ ok: true });
    assert.deepEqual(network.last.sent, ['login', '{"after":2}']);
  });
});

describe('auto', () => {
  for (const text of ['x y = 1', 'x?', 'x}', 'x^2 + 1', 'x^', 'x\x01', 'x'])
    test(`passes ${JSON.stringify(text)}, which begins as zlib may`, async (t) => {
      const { network, messages, dropped } = await servedFeed(t, { decompress: 'auto' });
      network.last.opens();
      network.last.says(Buffer.from(text));
      await turn();
      assert.deepEqual(
        messages().map(({ text, meta }) => [text, meta.binary]),
        [[text, true]],
      );
      assert.equal(dropped('compressed'), 0);
    });

  for (const level of [1, 6, 9])
    test(`takes what zlib compresses at level ${level}, however short`, async (t) => {
      const sent = Array.from({ length: 300 }, (_, n) => `${n}`.repeat(n % 5));
      const { network, texts } = await servedFeed(t, { decompress: 'auto' });
      network.last.opens();
      for (const text of sent) network.last.says(deflateSync(text, { level }));
      await turn();
      assert.deepEqual(texts(), sent);
    });
});

describe('several members of gzip', () => {
  const parts = [gzipSync('{"a":'), gzipSync(''), gzipSync('1}')];
  for (const decompress of ['gzip', 'auto'])
    test(`are one message with ${decompress}, and zeros behind them are ignored`, async (t) => {
      const { network, texts } = await servedFeed(t, { decompress });
      network.last.opens();
      network.last.says(Buffer.concat(parts));
      network.last.says(Buffer.concat([...parts, Buffer.alloc(7)]));
      await turn();
      assert.deepEqual(texts(), ['{"a":1}', '{"a":1}']);
    });
});

describe('a message that cannot be decompressed', () => {
  const rubbish = Buffer.from('xx');
  for (const [name, decompress, data] of [
    ['gzip with rubbish behind it', 'gzip', Buffer.concat([FORMS.gzip, rubbish])],
    ['gzip with zeros and another member behind it', 'gzip', Buffer.concat([FORMS.gzip, Buffer.alloc(2), FORMS.gzip])],
    ['gzip and half of another member', 'gzip', Buffer.concat([FORMS.gzip, FORMS.gzip.subarray(0, 20)])],
    ['zlib with rubbish behind it', 'deflate', Buffer.concat([FORMS.zlib, rubbish])],
    ['zlib twice', 'auto', Buffer.concat([FORMS.zlib, FORMS.zlib])],
    ['raw deflate twice', 'deflate', Buffer.concat([FORMS.raw, FORMS.raw])],
    ['zlib with a preset dictionary', 'auto', deflateSync(PLAIN, { dictionary: Buffer.from('"price":') })],
    ['raw deflate with one', 'deflate', deflateRawSync(PLAIN, { dictionary: Buffer.from(PLAIN) })],
    ['zlib without its end', 'auto', FORMS.zlib.subarray(0, -1)],
    ['an empty one', 'deflate', Buffer.alloc(0)],
  ] as const)
    test(`${name} is dropped with ${decompress}, and the next one is taken`, async (t) => {
      const { network, texts, dropped, logged } = await servedFeed(t, { decompress });
      network.last.opens();
      network.last.says(data);
      network.last.says(decompress === 'gzip' ? FORMS.gzip : FORMS.zlib);
      await turn();
      assert.deepEqual(texts(), [PLAIN]);
      assert.equal(dropped('compressed'), 1);
      assert.match(logged(), new RegExp(`it cannot be decompressed as ${decompress}: `));
    });

  for (const [name, data] of [
    ['cut short', FORMS.gzip.subarray(0, 20)],
    ['without its last byte', FORMS.gzip.subarray(0, -1)],
    ['not compressed', Buffer.from(PLAIN)],
    ['empty', Buffer.alloc(0)],
  ] as const)
    test(`${name} is dropped and counted, with a warning, and the connection lasts`, async (t) => {
      const { network, texts, dropped, logged, figure } = await servedFeed(t, { decompress: 'gzip' });
      network.last.opens();
      network.last.says(data);
      network.last.says(FORMS.gzip);
      await turn();
      assert.deepEqual(texts(), [PLAIN]);
      assert.equal(dropped('compressed'), 1);
      assert.equal(figure('tidegate_remote_frames_received_total'), 2);
      assert.match(logged(), /dropped a message of wss:\/\/feed.example\/ws: it cannot be decompressed as gzip/);
    });

  test('many of them are one warning a minute with their number', async (t) => {
    const { network, clock, logged } = await servedFeed(t, { decompress: 'gzip' });
    network.last.opens();
    for (let n = 0; n < 5; n += 1) network.last.says('x'.repeat(n), true);
    clock.advance(60_000);
    assert.match(logged(), /dropped 4 more messages/);
  });

  test('larger than max_frame ends the connection with a reason, and nothing behind it is taken', async (t) => {
    const { network, texts, stats, logged } = await servedFeed(t, { decompress: 'auto', max_frame: '1KiB' });
    network.last.opens();
    const bomb = gzipSync(Buffer.alloc(1_025, 'x'));
    network.last.says(gzipSync(Buffer.alloc(1_024, 'x')));
    const socket = network.last;
    socket.says(bomb);
    assert.deepEqual(socket.orders, ['terminate']);
    socket.says('behind');
    await turn();
    assert.deepEqual(texts(), ['x'.repeat(1_024)]);
    assert.match(logged(), /larger than max_frame \(1KiB\) once decompressed/);
    const labels = { component: 'pipelines.p.source', url: 'wss://feed.example/ws', reason: 'too_big' };
    assert.equal(stats.counter('tidegate_remote_lost_total', labels).value, 1);
  });

  test('1 MiB that would become 1 GiB takes no more memory than max_frame', async (t) => {
    const { network } = await servedFeed(t, { decompress: 'gzip', max_frame: '1MiB' });
    network.last.opens();
    const piece = gzipSync(Buffer.alloc(16_777_216));
    const bomb = Buffer.concat(Array.from({ length: 64 }, () => piece));
    const before = process.memoryUsage().arrayBuffers;
    network.last.says(bomb);
    assert.equal(network.last.isEnded, true);
    assert.ok(process.memoryUsage().arrayBuffers - before < 8 * 1_048_576);
  });
});

describe('messages that become large', () => {
  const MIB = 1_048_576;
  const bomb = gzipSync(Buffer.alloc(MIB));
  /** The socket is read again two turns after the one that has brought too much. */
  const turns = async () => {
    for (let n = 0; n < 3; n += 1) await turn();
  };

  test('pause the socket at 4 MiB of a turn, until the pipeline has them', async (t) => {
    const { network, messages } = await servedFeed(t, { decompress: 'gzip' });
    const socket = network.last;
    socket.opens();
    for (let n = 1; n <= 6; n += 1) {
      socket.says(bomb);
      assert.deepEqual(socket.orders, n < 4 ? [] : ['pause']);
    }
    assert.equal(messages().length, 0);
    await turns();
    assert.equal(messages().length, 6);
    assert.deepEqual(socket.orders, ['pause', 'resume']);
    for (let n = 0; n < 3; n += 1) socket.says(bomb);
    await turns();
    for (let n = 0; n < 3; n += 1) socket.says(bomb);
    assert.deepEqual(socket.orders, ['pause', 'resume'], 'turns are counted one by one');
  });

  test('leave the socket paused if the gate is shut by then', async (t) => {
    const { feed, network } = await servedFeed(t, { decompress: 'gzip' });
    const socket = network.last;
    socket.opens();
    const gate = feed.batches$.subscribe(() => feed.pause());
    for (let n = 0; n < 5; n += 1) socket.says(bomb);
    await turns();
    assert.equal(socket.isPaused, true);
    gate.unsubscribe();
    feed.resume();
    assert.equal(socket.isPaused, false);
  });

  test('count also before the server has replied to subscribe', async (t) => {
    const subscribe = { send: 'all', expect: { ok: true } };
    const { network } = await servedFeed(t, { decompress: 'gzip', subscribe });
    const socket = network.last;
    socket.opens();
    for (let n = 0; n < 5; n += 1) socket.says(bomb);
    assert.equal(socket.isPaused, true);
    await turns();
    assert.equal(socket.isPaused, false);
  });
});
