import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Header } from '../../../src/core/headers.ts';
import { Message, type MessageInit } from '../../../src/core/message.ts';
import { anyHeaders } from '../../../src/testing/arbitraries/headers.ts';
import { asBytes } from '../../../src/testing/contract/header-forms.ts';
import { ProtocolClient } from './topics-client.ts';

const publish = (p: unknown, extra: object = {}) => ({ id: 1320, t: 'notif', a: 'create', p, ...extra });
const published = (p: unknown) => {
  const request = new ProtocolClient().ask(publish(p));
  if (request.type !== 'publish') throw new Error(`expected a publish, got ${request.type}`);
  return request;
};
const record = (payload: string | Buffer, init: MessageInit = {}) => new Message(Buffer.from(payload), init);
const position = { topic: 'topic1', partition: 2, offset: 77 };
const subscribed = (detail?: boolean) => {
  const client = new ProtocolClient();
  const p = { t: ['topic1'], ...(detail === undefined ? {} : { detail }) };
  client.succeed({ id: 1, t: 'topic', a: 'subscribe', p }, { type: 'subscribed', topics: ['topic1'] });
  return client;
};
const listOf = (client: ProtocolClient, ...messages: Message[]) => {
  const frame = client.notify(messages);
  assert.equal(frame.binary, false);
  return JSON.parse(String(frame.data)) as Record<string, unknown>[];
};

test('a text is published as it is', () => {
  const request = published({ t: 'topic1', m: "{custom_message:'msg'}" });
  assert.equal(request.topic, 'topic1');
  assert.equal(request.message.payload.toString(), "{custom_message:'msg'}");
  assert.equal(request.message.key, null);
  assert.equal(request.message.headers, undefined);
});

test('any other JSON value is published as its JSON text, as the number that its producer sends', () => {
  const values: [unknown, string][] = [
    [1700000000000, '1700000000000'],
    [0, '0'],
    [false, 'false'],
    [null, 'null'],
    [{ a: [1, 'x'] }, '{"a":[1,"x"]}'],
    [[], '[]'],
    ['', ''],
  ];
  for (const [m, text] of values) assert.equal(published({ t: 'topic1', m }).message.payload.toString(), text);
});

test('a value is published, and an id answered, with the digits that came', () => {
  for (const digits of ['8389766145050669871', '1.10', '{"id":8389766145050669871, "n":[1e2]}']) {
    const client = new ProtocolClient();
    const frame = `{"id":${digits},"t":"notif","a":"create","p":{"t":"topic1","m":${digits}},"ack":true}`;
    const [effect] = client.frame(frame);
    assert.ok(effect?.type === 'request' && effect.request.type === 'publish');
    assert.equal(String(effect.request.message.payload), digits);
    const outcome = { ok: true, result: { type: 'published', position } } as const;
    assert.ok(client.answered(effect.correlation, outcome)?.includes(`"refid":${digits},`));
  }
});

test('a record may have a key and headers', () => {
  const { message } = published({ t: 'topic1', m: 'x', key: 'k', headers: { source: 'web', empty: '' } });
  assert.equal(message.key, 'k');
  assert.deepEqual(message.headers, [
    ['source', 'web'],
    ['empty', ''],
  ]);
  const without = published({ t: 'topic1', m: 'x', key: null, headers: null }).message;
  assert.deepEqual([without.key, without.headers], [null, undefined]);
});

test('a record that is stored is not answered', () => {
  for (const extra of [{}, { ack: false }]) {
    const client = new ProtocolClient();
    assert.equal(client.succeed(publish({ t: 'topic1', m: 'x' }, extra), { type: 'published', position }), null);
  }
});

test('a record that was sent with ack is answered by its position', () => {
  assert.equal(
    new ProtocolClient().succeed(publish({ t: 'topic1', m: 'x' }, { ack: true }), { type: 'published', position }),
    '{"id":1,"refid":1320,"t":"notif","a":"create","s":0,"p":{"topic":"topic1","partition":2,"offset":77}}',
  );
});

test('a record that is not stored is always answered', () => {
  const rejection = { code: 'TG_LOG_UNAVAILABLE', message: 'the log cannot be reached', retryable: true };
  for (const extra of [{}, { ack: true }]) {
    assert.equal(
      new ProtocolClient().fail(publish({ t: 'topic1', m: 'x' }, extra), rejection),
      '{"id":1,"refid":1320,"t":"notif","a":"create","s":1,"p":"the log cannot be reached","code":"TG_LOG_UNAVAILABLE","retryable":true}',
    );
  }
});

test('records arrive as a list of texts', () => {
  const client = subscribed();
  assert.equal(client.notify([record('hello')]).data, '[{"id":2,"t":"notif","p":"hello"}]');
  assert.equal(
    client.notify([record('a "b"\n'), record('{"a":1}')]).data,
    '[{"id":3,"t":"notif","p":"a \\"b\\"\\n"},{"id":4,"t":"notif","p":"{\\"a\\":1}"}]',
  );
});

test('a subscription with detail gets all fields of a record', () => {
  const headers: Header[] = [
    ['source', 'web'],
    ['bytes', Buffer.from('é')],
    ['constructor', 'own'],
  ];
  const init = { ...position, key: Buffer.from('k'), headers, timestamp: 1700000000000 };
  const [element] = listOf(subscribed(true), record('hello', init));
  assert.deepEqual(Object.keys(element ?? {}), [
    ...['id', 't', 'p', 'topic', 'partition', 'offset', 'key', 'headers', 'timestamp'],
  ]);
  assert.deepEqual(
    { ...element, headers: Object.entries(element?.headers as object) },
    {
      id: 2,
      t: 'notif',
      p: 'hello',
      ...position,
      key: 'k',
      headers: [
        ['source', 'web'],
        ['bytes', 'é'],
        ['constructor', 'own'],
      ],
      timestamp: 1700000000000,
    },
  );
  const [bare] = listOf(subscribed(true), record('x', position));
  assert.deepEqual([bare?.key, bare?.headers], [null, {}]);
});

const headersOf = (...headers: Header[]) => {
  const frame = String(subscribed(true).notify([record('x', { ...position, headers })]).data);
  // `s`: a header may have line separators, which JSON leaves as they are.
  return /"headers":(.*),"timestamp":/s.exec(frame)?.[1];
};

test('headers are an object where that loses nothing, and a list of pairs otherwise', () => {
  assert.equal(headersOf(['b', 'x'], ['a', Buffer.from('"é"')], ['', '']), '{"b":"x","a":"\\"é\\"","":""}');
  assert.equal(headersOf(['b', '1'], ['a', '2'], ['b', '3']), '[["b","1"],["a","2"],["b","3"]]');
  assert.equal(headersOf(['b', '1'], ['a', null]), '[["b","1"],["a",null]]');
  assert.equal(headersOf(['b', '1'], ['10', '2']), '[["b","1"],["10","2"]]');
  assert.equal(headersOf(['__proto__', 'own']), '[["__proto__","own"]]');
  assert.equal(headersOf(['b', Buffer.from([255])], ['a', 'é']), '[["b",{"base64":"/w=="}],["a","é"]]');
});

test('a client may send headers as an object or as a list, with null for no value and base64 for bytes', () => {
  const read = (headers: unknown) => published({ t: 'topic1', m: 'x', headers }).message.headers;
  assert.deepEqual(read({}), []);
  assert.deepEqual(read([]), []);
  assert.deepEqual(read({ a: null, b: { base64: '/w==' } }), [
    ['a', null],
    ['b', Buffer.from([255])],
  ]);
  const pairs = [
    ['a', '1'],
    ['1', null],
    ['a', '2'],
    ['__proto__', 'own'],
  ];
  assert.deepEqual(read(pairs), pairs);
  assert.deepEqual(read(JSON.parse('{"__proto__":"own","a":"1"}')), [
    ['__proto__', 'own'],
    ['a', '1'],
  ]);
});

test('headers that a client gets can be published again without loss', () => {
  fc.assert(
    fc.property(anyHeaders, (headers) => {
      const json = JSON.parse(headersOf(...headers) ?? '');
      const { message } = published({ t: 'topic1', m: 'x', headers: json });
      assert.deepEqual(asBytes(message.headers ?? []), asBytes(headers));
    }),
  );
});

test('detail belongs to the subscription that took effect last', () => {
  const client = subscribed(true);
  const isDetailed = () => 'topic' in (listOf(client, record('x', position))[0] ?? {});
  assert.equal(isDetailed(), true);
  const message = { id: 2, t: 'topic', a: 'subscribe', p: { t: ['topic1'] } };
  client.fail(message, { code: 'TG_TOPIC_MISSING', message: 'none', retryable: false });
  assert.equal(isDetailed(), true);
  client.succeed(message, { type: 'subscribed', topics: ['topic1'] });
  assert.equal(isDetailed(), false);
});

test('a tombstone differs from an empty text', () => {
  const tombstone = record('', { meta: { tombstone: true } });
  assert.deepEqual(
    listOf(subscribed(), tombstone, record('')).map(({ p }) => p),
    [null, ''],
  );
});

test('bytes that are not UTF-8 are replaced, and base64 in headers', () => {
  const broken = Buffer.from([0x61, 0xff, 0x62]);
  const [element] = listOf(subscribed(true), record(broken, { ...position, key: broken, headers: [['h', broken]] }));
  assert.deepEqual([element?.p, element?.key, element?.headers], ['a\ufffdb', 'a\ufffdb', [['h', { base64: 'Yf9i' }]]]);
});

test('the frame of any records is a JSON list in valid UTF-8 with rising ids', () => {
  const bytes = fc.uint8Array().map((array) => Buffer.from(array));
  const words = fc.string({ unit: 'binary' });
  const init = fc.record({
    key: fc.oneof(fc.constant(null), words, bytes),
    headers: fc.oneof(anyHeaders, fc.array(fc.tuple(words, fc.oneof(words, bytes)))),
    meta: fc.constantFrom({}, { tombstone: true }),
    timestamp: fc.oneof(fc.constantFrom(0, -1, Number.NaN), fc.double()),
    partition: fc.nat(),
    offset: fc.maxSafeNat(),
  });
  const turns = fc.array(fc.array(fc.tuple(bytes, init), { minLength: 1, maxLength: 5 }), { maxLength: 5 });
  fc.assert(
    fc.property(turns, fc.boolean(), (frames, detail) => {
      const client = subscribed(detail);
      let last = 1;
      for (const records of frames) {
        const messages = records.map(([payload, more]) => new Message(payload, { topic: 'topic1', ...more }));
        const frame = client.notify(messages);
        assert.ok(isUtf8(Buffer.from(String(frame.data))));
        const list = JSON.parse(String(frame.data)) as { id: number; p: string | null }[];
        assert.deepEqual(
          list.map(({ p }) => p),
          messages.map(({ text, meta }) => (meta.tombstone === true ? null : text)),
        );
        for (const { id } of list) {
          assert.ok(id > last);
          last = id;
        }
      }
    }),
  );
});

test('a text that is published arrives as it was sent', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (m) => {
      const { payload } = published({ t: 'topic1', m }).message;
      assert.deepEqual(
        listOf(subscribed(), record(payload)).map(({ p }) => p),
        [m],
      );
    }),
  );
});
