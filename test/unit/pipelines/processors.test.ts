import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Processor } from '../../../src/core/component.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message, type MessageInit } from '../../../src/core/message.ts';
import { filter } from '../../../src/pipelines/processors/filter.ts';
import { headers } from '../../../src/pipelines/processors/headers.ts';
import { log } from '../../../src/pipelines/processors/log.ts';
import { map } from '../../../src/pipelines/processors/map.ts';
import type { ProcessorSpec } from '../../../src/sdk/define.ts';
import { fakeContext } from './parts.ts';

const { context, lines } = fakeContext();

const make = (spec: ProcessorSpec, config: unknown): Processor => spec.create(spec.config.parse(config), context);
const of = (payload: unknown, init: MessageInit = {}) => new Message(Buffer.from(JSON.stringify(payload)), init);

async function one(processor: Processor, message: Message): Promise<Message> {
  const made = await processor.process(message);
  assert.ok(made instanceof Message);
  return made;
}

test('filter keeps a message where its expression is true', async () => {
  const byPath = make(filter, { keep: '${! json.ok }' });
  for (const [ok, kept] of [
    [true, true],
    ['yes', true],
    [1, true],
    [false, false],
    [0, false],
    ['', false],
    [null, false],
    [undefined, false],
  ] as const) {
    const message = of({ ok });
    assert.equal(byPath.process(message), kept ? message : null, String(ok));
  }
  const byQuery = make(filter, { keep: "${! json.type = 'USER' }" });
  const message = of({ type: 'USER' });
  assert.equal(await byQuery.process(message), message);
  assert.equal(await byQuery.process(of({ type: 'ACK' })), null);
});

test('filter by a header works for a record, whose headers are bytes', async () => {
  const keep = make(filter, { keep: "${! headers.tenant = 'a' }" });
  assert.notEqual(await keep.process(of({}, { headers: [['tenant', Buffer.from('a')]] })), null);
  assert.equal(await keep.process(of({}, { headers: [['tenant', Buffer.from('b')]] })), null);
});

test('map makes JSON, text, key and headers from expressions', async () => {
  const message = of(
    { p: 2, s: 'AB' },
    {
      key: 'old',
      headers: [
        ['drop', 'd'],
        ['keep', 'k'],
        ['s', '1'],
        ['drop', 'e'],
        ['s', null],
        ['z', null],
      ],
    },
  );
  const mapped = await one(
    make(map, {
      json: '${! { "price": json.p } }',
      key: '${! json.s }',
      headers: { drop: '${! json.none }', added: 'n-${! json.p }', s: '${! headers.keep }' },
    }),
    message,
  );
  assert.equal(mapped.text, '{"price":2}');
  assert.equal(mapped.key, 'AB');
  assert.deepEqual(mapped.headers, [
    ['keep', 'k'],
    ['s', 'k'],
    ['z', null],
    ['added', 'n-2'],
  ]);
  assert.equal((await one(make(map, { text: '${! json.s }!' }), of({ s: 'x' }))).text, 'x!');
});

const IDS = '{"id":8389766145050669871, "price":1.10}';
const came = (text: string, init: MessageInit = {}) => new Message(Buffer.from(text), init);

test('map passes numbers on with the digits that came, in payload, key and headers', async () => {
  const settings = { json: '${! json }', key: '${! json.id }', headers: { price: '${! json.price }' } };
  const mapped = await one(make(map, settings), came(IDS));
  assert.deepEqual([mapped.text, mapped.key], [IDS, '8389766145050669871']);
  assert.equal(String(mapped.headers), 'price,1.10');
  assert.equal((await one(make(map, { text: '${! json.id }' }), came(IDS))).text, '8389766145050669871');
  const built = await one(make(map, { json: '${! { "order": json.id } }' }), came(IDS));
  assert.equal(built.text, '{"order":8389766145050669871}');
});

test('map and filter fail a message whose number they would have to round', async () => {
  const failed = (error: unknown) => error instanceof TidegateError && error.code === 'TG_EXPRESSION_FAILED';
  assert.throws(() => make(map, { timestamp: '${! json.id }' }).process(came(IDS)), failed);
  await assert.rejects(async () => make(filter, { keep: '${! json.id > 5 }' }).process(came(IDS)), failed);
});

test('where a value is missing in a text, map makes no key and no header, and fails without a payload', async () => {
  const mapped = await one(make(map, { key: 'sym-${! json.sym }', headers: { h: 'sym-${! json.sym }' } }), of({}));
  assert.equal(mapped.key, null);
  assert.deepEqual(Object.keys(mapped.headers ?? {}), []);
  assert.throws(() => make(map, { text: 'sym-${! json.sym }' }).process(of({})), TidegateError);
});

test('filter takes a record without a value for one that has nothing to read', async () => {
  const tombstone = came('', { meta: { tombstone: true }, key: 'k' });
  assert.equal(await make(filter, { keep: "${! json.op = 'u' }" }).process(tombstone), null);
  assert.equal(await make(filter, { keep: '${! json.op }' }).process(tombstone), null);
  assert.equal(await make(filter, { keep: '${! meta.tombstone }' }).process(tombstone), tombstone);
});

test('filter refuses a text that is true for everything', () => {
  assert.equal(filter.config.safeParse({ keep: 'json.a = 1' }).success, false);
});

test('map keeps what it has no expression for, and a key without a value is no key', async () => {
  const message = of({ a: 1 }, { key: 'old', headers: [['h', 'v']] });
  const mapped = await one(make(map, { key: '${! json.none }' }), message);
  assert.deepEqual([mapped.text, mapped.key, mapped.headers], ['{"a":1}', null, [['h', 'v']]]);
});

test('map, filter and headers answer at once where every expression is compiled', () => {
  assert.ok(make(map, { key: '${! json.a }' }).process(of({ a: 1 })) instanceof Message);
  const settings = {
    json: '${! { "b": json.a + 1 } }',
    key: "${! 'k' & json.a }",
    headers: { h: '${! $string(json.a) }' },
  };
  const mapped = make(map, settings).process(of({ a: 1 }));
  assert.ok(mapped instanceof Message);
  assert.deepEqual([mapped.text, mapped.key, mapped.headers], ['{"b":2}', 'k1', [['h', '1']]]);
  assert.ok(make(filter, { keep: '${! json.a > 0 and $exists(json.a) }' }).process(of({ a: 1 })) instanceof Message);
  assert.ok(make(headers, { set: { h: '${! json.a & "" }' } }).process(of({ a: 1 })) instanceof Message);
});

test('what map has made need not be parsed, and reads as its text does', async (t) => {
  const mapped = await one(
    make(map, { json: '${! { "a": json.a, "list": json.list, "n": 1.5 } }' }),
    of({ a: 'x', list: [1] }),
  );
  const exact = await one(
    make(map, { json: '${! { "a": json.a, "zero": -json.zero } }' }),
    came('{"a":9007199254740993,"zero":0}'),
  );
  const parse = t.mock.method(JSON, 'parse');
  assert.deepEqual([mapped.plainJson, mapped.json], Array(2).fill({ a: 'x', list: [1], n: 1.5 }));
  assert.equal(parse.mock.callCount(), 0);
  assert.equal(exact.text, '{"a":9007199254740993,"zero":0}');
  assert.deepEqual(exact.plainJson, { a: 9007199254740992, zero: 0 });
});

test('map keeps the timestamp where the new one is missing or null', async () => {
  for (const payload of [{}, { t: null }])
    assert.equal((await one(make(map, { timestamp: '${! json.t }' }), of(payload, { timestamp: 7 }))).timestamp, 7);
});

test('map without a payload to make, or with an object where text is due, fails the message', async () => {
  const failed = (error: unknown) => error instanceof TidegateError && error.code === 'TG_EXPRESSION_FAILED';
  assert.throws(() => make(map, { json: '${! json.none }' }).process(of({})), failed);
  assert.throws(() => make(map, { text: '${! json }' }).process(of({})), failed);
  await assert.rejects(
    async () => make(map, { headers: { h: '${! json.a ~> $merge }' } }).process(of({ a: [{}] })),
    failed,
  );
});

test('map refuses json and text together', () => {
  assert.equal(map.config.safeParse({ json: 'a', text: 'b' }).success, false);
});

test('log writes a line and passes the message on', async () => {
  const message = of({ a: 1 });
  assert.equal(await make(log, {}).process(message), message);
  assert.equal(await make(log, { level: 'warn', text: 'sum ${! json.a + 1 }' }).process(message), message);
  assert.equal(await make(log, { level: 'debug', text: '${! json }' }).process(message), message);
  assert.deepEqual(
    lines.map(({ level, text }) => [level, text]),
    [
      ['info', '{"a":1}'],
      ['warn', 'sum 2'],
      ['debug', '{"a":1}'],
    ],
  );
});
