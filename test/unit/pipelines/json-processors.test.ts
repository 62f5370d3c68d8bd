import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinRegistry } from '../../../src/config/index.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message, type MessageInit } from '../../../src/core/message.ts';
import { makeComponent } from '../../../src/sdk/make.ts';
import { fakeContext } from './parts.ts';

const registry = builtinRegistry();

async function run(name: string, config: unknown, payload: string, init: MessageInit = {}): Promise<Message[]> {
  const spec = registry.find('processor', name) ?? assert.fail(name);
  const made = await makeComponent(spec, spec.config.parse(config), fakeContext().context).process(
    new Message(Buffer.from(payload), init),
  );
  return made === null ? [] : [made].flat();
}

const one = async (name: string, config: unknown, payload: string) => (await run(name, config, payload))[0]?.text;
const invalid = (text: RegExp) => (error: unknown) =>
  error instanceof TidegateError && error.code === 'TG_MESSAGE_INVALID' && text.test(error.message);

test('fields: names can be swapped, and what is not there is left out', async () => {
  const swap = { rename: { a: 'b', b: 'a', none: 'c' }, remove: ['none.at.all'] };
  assert.equal(await one('fields', swap, '{"a":1,"b":{"x":2}}'), '{"b":1,"a":{"x":2}}');
});

test('fields: set makes missing objects, replaces values, and appends to lists', async () => {
  const set = { 'a.b.c': null, 'list.0': 'first', 'list.1': [1, '${! key }'], 'no.value': '${! json.none }' };
  assert.equal(await one('fields', { set }, '{"list":[0]}'), '{"list":["first",[1,null]],"a":{"b":{"c":null}}}');
  assert.equal(
    await one('fields', { set: { o: { k: '${! json.n + 1 }', l: '${! json.x }' } } }, '{"n":1}'),
    '{"n":1,"o":{"k":2}}',
  );
});

test('fields: the message itself stays as it came, whatever is made of it', async () => {
  const spec = registry.find('processor', 'fields') ?? assert.fail();
  const config = spec.config.parse({ set: { 'a.b': 2, 'l.0': 9 }, remove: ['a.c'], rename: { 'a.d': 'e.f' } });
  const message = new Message(Buffer.from('{"a":{"b":1,"c":1,"d":1},"l":[1]}'));
  const before = structuredClone(message.json);
  const made = await makeComponent(spec, config, fakeContext().context).process(message);
  assert.equal((made as Message).text, '{"a":{"b":2},"l":[9],"e":{"f":1}}');
  assert.deepEqual(message.json, before);
});

test('fields: a name with a dot in it, and one that would change objects themselves, are names like others', async () => {
  assert.equal(await one('fields', { remove: ['a\\.b'] }, '{"a.b":1,"a":{"b":2}}'), '{"a":{"b":2}}');
  const text = await one('fields', { set: { '__proto__.polluted': true } }, '{}');
  assert.equal(text, '{"__proto__":{"polluted":true}}');
  assert.equal((Object.prototype as { polluted?: unknown }).polluted, undefined);
  assert.equal(await one('fields', { keep: ['list.length', 'constructor'] }, '{"list":[1]}'), '{}');
});

test('fields: a path through text, a number or null fails, as does a position that a list does not have', async () => {
  const set = { 'a.b': 1 };
  for (const [value, what] of [
    ['"x"', 'a is a string'],
    ['12345678901234567890', 'a is a number'],
    ['null', 'a is null'],
  ])
    await assert.rejects(
      run('fields', { set }, `{"a":${value}}`),
      invalid(new RegExp(`^a\\.b cannot be set: ${what}, `)),
    );
  await assert.rejects(run('fields', { set }, '{"a":[]}'), invalid(/b is not a position in a list of 0/));
  await assert.rejects(run('fields', { set: { 'a.1': 1 } }, '{"a":[]}'), invalid(/1 is not a position/));
});

test('processors of JSON objects fail what is none, and let a record without a value pass', async () => {
  const all: [string, unknown][] = [
    ['fields', { remove: ['a'] }],
    ['mask', { fields: ['a'], redact: '' }],
    ['flatten', {}],
    ['nest', { delimiter: '.' }],
  ];
  const more: [string, unknown][] = [
    ['nest', { under: 'a' }],
    ['extract', { path: 'a' }],
    ['split', { path: 'a' }],
    ['validate', { schema: { type: 'object' } }],
  ];
  for (const [name, config] of all)
    for (const payload of ['[1]', '"a"', 'null', '12345678901234567890'])
      await assert.rejects(
        run(name, config, payload),
        invalid(/^the payload is not a JSON object$/),
        `${name} ${payload}`,
      );
  for (const [name, config] of [...all, ...more]) {
    await assert.rejects(run(name, config, 'no json'), invalid(/^the payload is not JSON/), name);
    const [tombstone] = await run(name, config, '', { meta: { tombstone: true } });
    assert.equal(tombstone?.isTombstone, true, name);
  }
});

test('mask: whole characters are counted, and a short text is masked whole', async () => {
  const config = { fields: ['a'], partial: { first: 1, last: 1, with: '#' } };
  assert.equal(await one('mask', config, '{"a":"😀bc😀"}'), '{"a":"😀##😀"}');
  assert.equal(await one('mask', config, '{"a":"ab"}'), '{"a":"##"}');
  assert.equal(await one('mask', config, '{"a":""}'), '{"a":""}');
});

test('mask: nothing of an object, a list, a number or a yes shows; null and what is missing stay', async () => {
  const config = { fields: ['a', 'b', 'c', 'd', 'e', 'none'], partial: { last: 2 } };
  assert.equal(
    await one('mask', config, '{"a":{"secret":1},"b":["secret"],"c":12345678901234567890,"d":true,"e":null}'),
    '{"a":"**","b":"**","c":"******************90","d":"**ue","e":null}',
  );
});

test('mask: a hash is that of HMAC-SHA256, of the text or of the digits; another key gives another', async () => {
  const hash = (key: string, payload: string) => one('mask', { fields: ['a'], hash: { key } }, payload);
  // As Python's hmac has it.
  const known = '{"a":"43fa56a6ffaf54709111cbf05aac3718244e95018c2df11fdd01db7cc3db675d"}';
  assert.equal(await hash('k'.repeat(16), '{"a":1}'), known);
  assert.equal(await hash('k'.repeat(16), '{"a":"1"}'), known);
  assert.notEqual(await hash('l'.repeat(16), '{"a":1}'), known);
});

test('flatten: empty objects and lists stay, and lists are left alone where nothing else is said', async () => {
  assert.equal(
    await one('flatten', {}, '{"a":{},"b":{"c":[]},"d":[{"e":{"f":1}}]}'),
    '{"a":{},"b.c":[],"d":[{"e":{"f":1}}]}',
  );
});

test('flatten: what is nested too deeply, or would repeat a long name too often, fails', async () => {
  const deep = `{"a":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`;
  await assert.rejects(run('flatten', {}, deep), invalid(/^the payload is nested too deeply$/));
  const inner = Array.from({ length: 1_000 }, (_, at) => `"${at}":1`).join();
  const wide = `{"${'n'.repeat(20_000)}":{${inner}}}`;
  await assert.rejects(run('flatten', {}, wide), invalid(/more than 16000000 characters/));
});

test('nest: a field that is both a value and an object fails, in whichever order they come', async () => {
  for (const payload of ['{"a":1,"a.b":2}', '{"a.b":2,"a":1}', '{"a":{"b":1},"a.c":2}'])
    await assert.rejects(
      run('nest', { delimiter: '.' }, payload),
      invalid(/cannot be nested: another field has its place/),
    );
  await assert.rejects(run('nest', { under: 'a', fields: ['b'] }, '{"a":1,"b":2}'), invalid(/cannot be nested/));
  const deep = JSON.stringify({ ['a.'.repeat(400_000)]: 1 });
  await assert.rejects(run('nest', { delimiter: '.' }, deep), invalid(/more than 1000 levels/));
});

test('nest: fields go beside those that are there already', async () => {
  const config = { under: 'a', fields: ['b', 'none', 'x.y'] };
  assert.equal(await one('nest', config, '{"a":{"c":1},"b":2,"x":{"y":3}}'), '{"a":{"c":1,"b":2,"y":3},"x":{}}');
});

test('split: each part has key, headers and timestamp of the whole, and there are at most `max`', async () => {
  const headers: [string, string][] = [['h', '1']];
  const parts = await run('split', { path: '.' }, '[1,"b"]', { key: 'k', headers, timestamp: 7 });
  assert.deepEqual(
    parts.map(({ text, key, headers: own, timestamp }) => [text, key, own, timestamp]),
    [
      ['1', 'k', headers, 7],
      ['"b"', 'k', headers, 7],
    ],
  );
  assert.equal((await run('split', { lines: true, max: 2 }, '\na\n\nb\n\n')).length, 2);
  await assert.rejects(run('split', { lines: true, max: 2 }, 'a\nb\nc'), invalid(/more than 2 parts/));
  await assert.rejects(run('split', { path: 'a' }, '{"a":{}}'), invalid(/the payload has no list a/));
});

test('split: nothing to split ends the message; a return within a line stays', async () => {
  assert.deepEqual(await run('split', { path: 'a' }, '{"a":[]}'), []);
  assert.deepEqual(await run('split', { lines: true }, '\r\n\n'), []);
  assert.deepEqual(
    (await run('split', { lines: true }, 'a\rb\r\nc')).map(({ text }) => text),
    ['a\rb', 'c'],
  );
  assert.deepEqual(
    (await run('split', { delimiter: '||' }, 'a||b|c\r||')).map(({ text }) => text),
    ['a', 'b|c\r'],
  );
});

test('headers: of a name that comes several times, all are removed or renamed, and one is set', async () => {
  const headers: [string, string | null][] = [
    ['a', '1'],
    ['b', null],
    ['a', '2'],
    ['c', '3'],
    ['c', '4'],
  ];
  const config = { remove: ['b'], rename: { a: 'x' }, set: { c: '${! headers.a }', d: '${! json.none }', x2: 'n' } };
  const [made] = await run('headers', config, '{}', { headers });
  assert.deepEqual(made?.headers, [
    ['x', '1'],
    ['x', '2'],
    ['c', '2'],
    ['x2', 'n'],
  ]);
});

test('what one processor made is what the next one reads, also where it has integers above 2^53', async () => {
  const [made] = await run('fields', { set: { n: 1 } }, '{"id":9007199254740993}');
  assert.ok(made !== undefined);
  const processorOf = (name: string, config: unknown) => {
    const spec = registry.find('processor', name) ?? assert.fail(name);
    return makeComponent(spec, spec.config.parse(config), fakeContext().context);
  };
  const keyed = await processorOf('map', { key: '${! json.id }', json: '${! json }' }).process(made);
  assert.deepEqual(
    [(keyed as Message).key, (keyed as Message).text],
    ['9007199254740993', '{"id":9007199254740993,"n":1}'],
  );
  const schema = { properties: { id: { type: 'integer' } } };
  const [again] = await run('fields', { set: { n: 1 } }, '{"id":9007199254740993}');
  assert.equal(await processorOf('validate', { schema }).process(again as Message), again);
});

test('positions in a list are those of the message as it came, however many of them are taken out', async () => {
  const list = '{"i":["a","b","c"]}';
  assert.equal(await one('fields', { remove: ['i.0', 'i.1'] }, list), '{"i":["c"]}');
  const rename = { 'i.0': 'first', 'i.1': 'second' };
  assert.equal(await one('fields', { rename }, list), '{"i":["c"],"first":"a","second":"b"}');
  const gather = { under: 'u', fields: ['i.0', 'i.2'] };
  assert.equal(await one('nest', gather, list), '{"i":["b"],"u":{"0":"a","2":"c"}}');
  const within = { remove: ['l.2.x', 'l.10', 'l.2', 'l', 'm.a', 'm.0'] };
  assert.equal(await one('fields', within, '{"l":[0,1,{"x":1}],"m":{"0":1,"a":2,"b":3}}'), '{"m":{"b":3}}');
});

test('nest: two fields of the same last name fail where both are there', async () => {
  const config = { under: 'names', fields: ['x.name', 'y.name'] };
  await assert.rejects(run('nest', config, '{"x":{"name":1},"y":{"name":2}}'), invalid(/^y\.name cannot be nested/));
  assert.equal(await one('nest', config, '{"y":{"name":2}}'), '{"y":{},"names":{"name":2}}');
});

test('mask: a path within another one has nothing left to mask', async () => {
  for (const fields of [
    ['c', 'c.n'],
    ['c.n', 'c'],
  ])
    assert.equal(await one('mask', { fields, redact: 'x' }, '{"c":{"n":1}}'), '{"c":"x"}');
});

test('mask: a mistake never repeats the key of a hash', () => {
  const { config } = registry.find('processor', 'mask') ?? assert.fail();
  for (const hash of ['hidden-word', ['hidden-word'], { key: 'hidden-word' }, { key: ['hidden-word'] }]) {
    const { error } = config.safeParse({ fields: ['a'], hash });
    assert.match(error?.message ?? '', /key/);
    assert.doesNotMatch(error?.message ?? '', /hidden-word/);
  }
});
