import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Expected, expectedMessage } from '../../../../src/config/tests/message-schema.ts';
import { Message } from '../../../../src/core/message.ts';
import { compareMessages } from '../../../../src/testing/cases/compare-lists.ts';
import { differencesOf, shownMessage } from '../../../../src/testing/cases/match.ts';

const message = (payload: string, init: ConstructorParameters<typeof Message>[1] = {}) =>
  new Message(Buffer.from(payload), init);

const expected = (given: unknown): Expected => expectedMessage.parse(given);

/** Differences as `path: expected, got`. */
async function lines(given: unknown, got: Message): Promise<string[]> {
  const differences = await differencesOf(expected(given), got);
  return differences.map(({ path, ...one }) => `${path.join('.')}: ${one.expected}, got ${one.got}`);
}

describe('a message is compared with what is expected of it', () => {
  const order = message('{"total":6,"items":[{"id":1},{"id":2}],"at":"now"}', {
    key: 'ada',
    headers: [
      ['kind', 'order'],
      ['empty', null],
      ['bytes', Buffer.from('b')],
    ],
    timestamp: 5,
    topic: 'orders',
  });
  const cases: readonly [title: string, given: unknown, got: Message, ...expected: string[]][] = [
    ['json as it is', { json: { total: 6, items: [{ id: 1 }, { id: 2 }], at: 'now' } }, order],
    ['another value', { json: { total: 5, items: '*', at: '*' } }, order, 'json.total: 5, got 6'],
    ['a field too many', { json: { total: 6, items: '*' } }, order, 'json.at: nothing, got "now"'],
    ['a field that is missing', { json: { total: 6, items: '*', at: '*', by: 1 } }, order, 'json.by: 1, got nothing'],
    ['a field of any value that is missing', { contains: { by: '*' } }, order, 'contains.by: any value, got nothing'],
    ['parts', { contains: { items: [{}, { id: 2 }] } }, order],
    ['parts that differ', { contains: { items: [{ id: 2 }, '*'] } }, order, 'contains.items.0.id: 2, got 1'],
    ['a list that is shorter', { contains: { items: ['*'] } }, order, 'contains.items.1: nothing, got {"id":2}'],
    ['a list that is longer', { contains: { items: ['*', '*', 3] } }, order, 'contains.items.2: 3, got nothing'],
    [
      'an object in place of a list',
      { contains: { items: { id: 1 } } },
      order,
      'contains.items: {"id":1}, got [{"id":1},{"id":2}]',
    ],
    ['a text that looks like the number', { contains: { total: '6' } }, order, 'contains.total: "6", got 6'],
    ['null and nothing', { contains: { by: null } }, order, 'contains.by: null, got nothing'],
    ['a condition that is true', { contains: { total: '${! json.total > 5 }' } }, order],
    [
      'a condition that is not',
      { contains: { total: '${! json.total > 6 }' } },
      order,
      'contains.total: ${! json.total > 6 } to be true, got false, for 6',
    ],
    ['a condition that gives a value', '${! json.total }', order, ': ${! json.total } to be true, got 6'],
    ['a condition without a value', '${! json.by }', order, ': ${! json.by } to be true, got no value'],
    [
      'a condition on a payload that is not JSON',
      '${! json.by }',
      message('x'),
      ': ${! json.by } to be true, got an error: an expression reads json, but the payload is not JSON: Unexpected token \'x\', "x" is not valid JSON',
    ],
    ['any message', '*', message('x')],
    [
      'key, headers, topic and time',
      { key: 'ada', headers: { kind: 'order', bytes: 'b' }, topic: 'orders', timestamp: 5 },
      order,
    ],
    ['another key', { key: 'bob' }, order, 'key: "bob", got "ada"'],
    ['a key where there is to be none', { key: null }, order, 'key: none, got "ada"'],
    ['no key where there is to be none', { key: null }, message('1')],
    ['an empty key where there is to be none', { key: null }, message('1', { key: '' }), 'key: none, got ""'],
    ['no key where any is due', { key: '*' }, message('1'), 'key: any value, got nothing'],
    ['a header that is missing', { headers: { by: '*' } }, order, 'headers.by: any value, got nothing'],
    ['a header that is there', { headers: { kind: null } }, order, 'headers.kind: none, got "order"'],
    ['no header where there is to be none', { headers: { by: null } }, order],
    ['another time', { timestamp: '1970-01-01T00:00:00.006Z' }, order, 'timestamp: 6, got 5'],
    ['text', { text: 'a' }, message('b'), 'text: "a", got "b"'],
    ['bytes', { base64: 'AP8=' }, new Message(Buffer.from([0, 255]))],
    [
      'a payload that is not JSON',
      { json: 1 },
      message('x'),
      'json: 1, got "x": the payload is not JSON: Unexpected token \'x\', "x" is not valid JSON',
    ],
    [
      'a name of the prototype',
      { json: { constructor: '*' } },
      message('{}'),
      'json.constructor: any value, got nothing',
    ],
    ['a number beyond doubles', { contains: { id: 2 ** 53 } }, message('{"id":9007199254740993}')],
    [
      'all differences',
      { json: { a: 1 }, key: 'k' },
      message('{"a":2,"b":3}'),
      'json.a: 1, got 2',
      'json.b: nothing, got 3',
      'key: "k", got nothing',
    ],
  ];
  for (const [title, given, got, ...differences] of cases)
    test(title, async () => assert.deepEqual(await lines(given, got), differences));
});

describe('lists are compared message by message', () => {
  const numbers = (...list: number[]) => list.map((number) => message(String(number)));
  const wanted = (...list: number[]) => list.map((json) => expected({ json }));
  const short = async (want: readonly number[], got: readonly number[]) =>
    (await compareMessages(wanted(...want), numbers(...got))).map((one) =>
      one.kind === 'differs'
        ? `${one.at} is ${one.differences[0]?.got}`
        : one.kind === 'missing'
          ? `${one.at} is missing`
          : `${one.shown} is extra`,
    );
  const cases: readonly [want: number[], got: number[], ...expected: string[]][] = [
    [[], []],
    [
      [1, 2],
      [1, 2],
    ],
    [[], [1], '{"json":1} is extra'],
    [[1], [], '0 is missing'],
    [[1, 2, 3], [2, 3], '0 is missing'],
    [[1, 2, 3], [1, 9, 3], '1 is 9'],
    [[2, 3], [1, 2, 3], '{"json":1} is extra'],
    [[1, 2], [2, 1], '0 is missing', '{"json":1} is extra'],
    [[1, 2, 3, 4], [1, 8, 9, 4, 5], '1 is 8', '2 is 9', '{"json":5} is extra'],
    [[1, 1], [1], '1 is missing'],
  ];
  for (const [want, got, ...differences] of cases)
    test(`${JSON.stringify(want)} and ${JSON.stringify(got)}`, async () => {
      assert.deepEqual(await short(want, got), differences);
    });

  test('of two long lists every difference is found', async () => {
    const want = Array.from({ length: 300 }, (_, at) => at);
    const got = want.map((number) => (number === 250 ? -1 : number));
    assert.deepEqual(await short(want, [...got, 7]), ['250 is -1', '{"json":7} is extra']);
  });
});

test('a message that was not expected is shown as an expectation would have it', () => {
  assert.equal(
    shownMessage(
      message('{"a":1}', {
        key: 'k',
        headers: [
          ['h', 'v'],
          ['n', null],
        ],
      }),
    ),
    '{"json":{"a":1},"key":"k","headers":{"h":"v","n":null}}',
  );
  assert.equal(shownMessage(message('hello')), '{"text":"hello"}');
  assert.equal(shownMessage(new Message(Buffer.from([0xff]))), '{"base64":"/w=="}');
  assert.equal(shownMessage(message(`"${'x'.repeat(500)}"`)).length, 303);
});
