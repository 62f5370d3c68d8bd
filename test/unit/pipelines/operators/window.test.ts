import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ErrorCode } from '../../../../src/core/errors.ts';
import { Message, type MessageInit } from '../../../../src/core/message.ts';
import type { StatefulOperator } from '../../../../src/core/stateful-operator.ts';
import { window } from '../../../../src/pipelines/operators/window/window.ts';
import { StageMetrics } from '../../../../src/pipelines/state/metrics.ts';
import { Outgoing } from '../../../../src/pipelines/state/outgoing.ts';
import { StatefulPartition } from '../../../../src/pipelines/state/partition.ts';
import { PartitionProgress } from '../../../../src/pipelines/state/progress.ts';
import type { HandClock } from '../../core/hand-clock.ts';
import { fakeContext } from '../parts.ts';

const AT = Date.parse('2024-01-01T12:00:00Z');

/** A window operator in one partition, and the results that it gives out. */
class Rig {
  private readonly fake = fakeContext();
  readonly context = this.fake.context;
  private readonly outgoing = new Outgoing();
  readonly partition: StatefulPartition;
  private offset = 0;
  /** Whether records that are taken were committed before. */
  replays = false;

  constructor(settings: object) {
    const operator = window.create(window.config.parse(settings), this.context) as StatefulOperator;
    const place = { topic: 't', partition: 0 };
    const progress = new PartitionProgress(0, undefined, 1);
    const metrics = new StageMetrics(this.context.stats, 'p', 'window');
    this.partition = new StatefulPartition(operator, place, progress, this.outgoing, 0, metrics);
  }

  take(seconds: number, value: unknown, init: MessageInit = {}): void {
    assert.equal(this.takeLater(seconds, value, init), undefined, 'it is taken in at once');
  }

  takeLater(seconds: number, value: unknown, init: MessageInit = {}) {
    const offset = this.offset;
    this.offset += 1;
    const timestamp = AT + seconds * 1_000;
    const message = new Message(Buffer.from(JSON.stringify(value)), { key: 'k', timestamp, offset, ...init });
    message.isReplayed = this.replays;
    return this.partition.take(message);
  }

  fails(code: ErrorCode, words: RegExp, take: () => unknown): void {
    assert.throws(take, (error: Error & { code: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, words);
      return true;
    });
  }

  /** What was written to the topic for late records. */
  get lateRecords(): Message[] {
    return this.fake.topics.get('late')?.messages ?? [];
  }

  results(): unknown[] {
    return this.messages().map(({ json }) => json);
  }

  messages(): Message[] {
    const results: Message[] = [];
    for (let batch = this.outgoing.next(); batch !== undefined; batch = this.outgoing.next())
      for (const message of batch.messages) {
        results.push(message);
        message.ack();
      }
    return results;
  }

  /** Where reading starts again after all that was taken was committed. */
  get replay(): number {
    return this.partition.progress.note(this.offset).replay;
  }

  get late(): number {
    return this.context.stats.counter('tidegate_operator_late_total', { pipeline: 'p', operator: 'window' }).value;
  }

  tick(milliseconds: number): void {
    (this.context.clock as HandClock).advance(milliseconds);
    this.partition.operator.tick?.();
  }

  get size() {
    const { keys, bytes } = this.partition.operator.size;
    return { keys, bytes };
  }
}

describe('a window', () => {
  test('gives one JSON record a key when it ends, with times in milliseconds', () => {
    const rig = new Rig({ tumbling: '1m', aggregate: { n: 'count', total: { sum: '${! json.amount }' } } });
    rig.take(1, { amount: 5 });
    rig.take(59, { amount: 7 });
    rig.take(30, { amount: 1 }, { key: 'other' });
    assert.deepEqual(rig.results(), []);
    rig.take(60, { amount: 100 });
    assert.deepEqual(rig.results(), [
      { key: 'k', start: AT, end: AT + 60_000, n: 2, total: 12 },
      { key: 'other', start: AT, end: AT + 60_000, n: 1, total: 1 },
    ]);
    assert.equal(rig.size.keys, 1);
  });

  test('waits for late records as long as lateness says, and counts those that come after', () => {
    const rig = new Rig({ tumbling: '10s', lateness: '5s', aggregate: { n: 'count' } });
    rig.take(9, {});
    rig.take(14, {});
    rig.take(8, {});
    assert.deepEqual(rig.results(), []);
    rig.take(15, {});
    assert.deepEqual(rig.results(), [{ key: 'k', start: AT, end: AT + 10_000, n: 2 }]);
    rig.take(9, {});
    assert.equal(rig.late, 1);
    assert.deepEqual(rig.results(), []);
  });

  test('takes its time and key from expressions, also from those that need JSONata', async () => {
    const rig = new Rig({
      session: '10s',
      time: '${! $toMillis(json.at) }',
      by: '${! $uppercase(json.user) }',
      aggregate: { pages: { collect: '${! json.page }' } },
    });
    await rig.takeLater(0, { at: '2024-01-01T12:00:00Z', user: 'ada', page: 1 });
    await rig.takeLater(0, { at: '2024-01-01T12:00:05Z', user: 'Ada', page: 2 });
    await rig.takeLater(0, { at: '2024-01-01T12:01:00Z', user: 'bob', page: 3 });
    assert.deepEqual(rig.results(), [{ key: 'ADA', start: AT, end: AT + 15_000, pages: [1, 2] }]);
  });

  test('fails a record alone that has no key, no time or no number where one is added up', () => {
    const rig = new Rig({
      tumbling: '1m',
      time: '${! json.at }',
      aggregate: { n: 'count', sum: { sum: '${! json.x }' } },
    });
    rig.fails('TG_EXPRESSION_FAILED', /the record has no key; group it with by/, () =>
      rig.take(0, { at: AT }, { key: null }),
    );
    rig.fails('TG_EXPRESSION_FAILED', /json\.at } gives no point in time/, () => rig.take(0, { at: 'yesterday' }));
    rig.fails('TG_EXPRESSION_FAILED', /gives no point in time/, () => rig.take(0, {}));
    rig.fails('TG_EXPRESSION_FAILED', /more than a day after/, () => rig.take(0, { at: AT + 90_000_000 }));
    rig.fails('TG_EXPRESSION_FAILED', /9999-01-01T00:00:00.000Z, more than a day after/, () =>
      rig.take(0, { at: '9999-01-01' }),
    );
    rig.fails('TG_EXPRESSION_FAILED', /json\.x } gives "?many/, () => rig.take(0, { at: AT, x: 'many' }));
    rig.fails('TG_EXPRESSION_FAILED', /9007199254740993 is not computed with/, () =>
      rig.take(0, { at: AT, x: '9007199254740993' }),
    );
    rig.take(0, { at: AT, x: 2 });
    rig.take(0, { at: AT + 60_000, x: 0 });
    assert.deepEqual(rig.results(), [{ key: 'k', start: AT, end: AT + 60_000, n: 1, sum: 2 }]);
  });

  test('a session between two others makes one of the three, and needs only its first record', () => {
    const rig = new Rig({ session: '10s', lateness: '1m', aggregate: { all: { collect: '${! json }' } } });
    rig.take(20, 'a');
    rig.take(5, 'b');
    rig.take(12, 'c');
    assert.equal(rig.replay, 0);
    rig.take(200, 'later');
    assert.deepEqual(rig.results(), [{ key: 'k', start: AT + 5_000, end: AT + 30_000, all: ['b', 'a', 'c'] }]);
    assert.equal(rig.replay, 3);
  });

  test('refuses a key above its limit and goes on with those that it has', () => {
    const rig = new Rig({ hopping: { size: '20s', every: '10s' }, aggregate: { n: 'count' }, state: { keys: 2 } });
    rig.take(15, {});
    rig.fails('TG_STATE_FULL', /pipelines\.p\.x: .* limit of 2 keys; raise state\.keys/, () =>
      rig.take(15, {}, { key: 'b' }),
    );
    rig.take(16, {});
    rig.take(40, {});
    assert.deepEqual(rig.results(), [
      { key: 'k', start: AT, end: AT + 20_000, n: 2 },
      { key: 'k', start: AT + 10_000, end: AT + 30_000, n: 2 },
    ]);
  });

  test('counts the bytes of what it keeps, and none once its windows have ended', () => {
    for (const kind of [{ tumbling: '10s' }, { session: '10s' }]) {
      const rig = new Rig({ ...kind, aggregate: { all: { collect: '${! json }' } }, state: { bytes: '10KiB' } });
      rig.take(0, 'x'.repeat(20_000));
      assert.ok(rig.size.bytes > 20_000);
      rig.fails('TG_STATE_FULL', /limit of 10240 bytes; raise state\.bytes/, () => rig.take(0, 'y', { key: 'other' }));
      rig.take(100, 'z', { key: 'later' });
      assert.equal(rig.results().length, 1);
      assert.ok(rig.size.bytes < 1_000, `${rig.size.bytes}`);
    }
  });

  test('writes a late record to the topic for those, once, and settles it with that', () => {
    const rig = new Rig({ tumbling: '10s', late: { topic: 'late' }, aggregate: { n: 'count' } });
    rig.take(20, {});
    const outcome = rig.takeLater(5, { a: 1 }, { headers: [['x', 'y']], topic: 't', partition: 0 });
    assert.equal(outcome, 'elsewhere');
    const [late] = rig.lateRecords;
    assert.deepEqual(late?.json, { a: 1 });
    assert.deepEqual(late?.headers, [
      ['x', 'y'],
      ['tidegate-origin', 't/0/1'],
    ]);
    rig.replays = true;
    assert.equal(rig.takeLater(6, {}), undefined);
    assert.deepEqual([rig.lateRecords.length, rig.late], [1, 1]);
  });

  test('gives a result at each change, and its last one at the end', () => {
    const rig = new Rig({ tumbling: '10s', emit: 'changes', aggregate: { n: 'count' } });
    rig.take(1, {});
    rig.take(2, {});
    const changes = rig.messages();
    assert.deepEqual(
      changes.map(({ json }) => json),
      [{ key: 'k', start: AT, end: AT + 10_000, n: 2 }],
    );
    assert.deepEqual(changes[0]?.headers.at(-1), ['tidegate-window-change', 'true']);
    rig.take(12, {});
    assert.deepEqual(
      rig.messages().map(({ json, headers }) => [(json as { n: number }).n, headers.length]),
      [
        [2, 2],
        [1, 3],
      ],
    );
  });

  test('gives changes at most once per period', () => {
    const rig = new Rig({ session: '10s', emit: { changes: '1s' }, aggregate: { n: 'count' } });
    rig.take(1, {});
    rig.tick(900);
    assert.deepEqual(rig.results(), []);
    rig.take(2, {});
    rig.tick(100);
    assert.deepEqual(rig.results(), [{ key: 'k', start: AT + 1_000, end: AT + 12_000, n: 2 }]);
    rig.tick(5_000);
    assert.deepEqual(rig.results(), [], 'nothing has changed');
  });

  for (const kind of [{ tumbling: '1h' }, { session: '1h' }])
    test(`gives all of ${Object.keys(kind)} early where there is no room, marked, and begins again`, () => {
      const rig = new Rig({ ...kind, aggregate: { n: 'count' }, state: { keys: 1_000, when_full: 'emit' } });
      for (let n = 0; n < 1_000; n += 1) rig.take(n / 1_000, {}, { key: `k${n}` });
      assert.deepEqual(rig.results(), []);
      rig.take(2, {}, { key: 'more' });
      const parts = rig.messages();
      assert.equal(parts.length, 1_000);
      assert.match(parts[0]?.text ?? '', /"partial":true/);
      assert.deepEqual(parts[0]?.headers.at(-1), ['tidegate-window-part', '1000']);
      assert.equal(rig.size.keys, 1);
      assert.equal(rig.replay, 1_000, 'what was given out is not read again');
    });

  test('says that there is no room while too many parts are not stored', () => {
    const rig = new Rig({
      tumbling: '1h',
      aggregate: { all: { collect: '${! json }' } },
      state: { bytes: '1KiB', when_full: 'emit' },
    });
    const much = 'x'.repeat(2_000);
    for (let n = 0; n < 65; n += 1) rig.take(1, much, { key: `k${n}` });
    rig.fails('TG_STATE_FULL', /limit of 1024 bytes/, () => rig.take(1, much, { key: 'one more' }));
    assert.equal(rig.messages().length, 64);
    assert.ok(rig.replay > 0);
    rig.take(1, much, { key: 'one more' });
  });

  test('folds by an expression, with the state so far and the message', async () => {
    const rig = new Rig({
      hopping: { size: '20s', every: '10s' },
      aggregate: {
        n: 'count',
        balance: { fold: '${! state + json.in }', start: 10 },
        id: { fold: '${! json.id }', start: null },
        seen: { fold: "${! { 'n': state.n + 1, 'key': key } }", start: { n: 0 } },
      },
    });
    for (const [at, value] of [
      [11, { in: 5, id: 1 }],
      [12, { in: -1 }],
    ] as const)
      await rig.takeLater(at, value);
    await rig.partition.take(
      new Message(Buffer.from('{"in":1,"id":9223372036854775807}'), { key: 'k', timestamp: AT + 21_000, offset: 2 }),
    );
    await rig.takeLater(100, { in: 0 });
    const seen = (n: number) => ({ n, key: 'k' });
    assert.deepEqual(
      rig.messages().map(({ text }) => text),
      [
        { start: AT, end: AT + 20_000, n: 2, balance: 14, id: 1, seen: seen(2) },
        { start: AT + 10_000, end: AT + 30_000, n: 3, balance: 15, id: '#', seen: seen(3) },
        { start: AT + 20_000, end: AT + 40_000, n: 1, balance: 11, id: '#', seen: seen(1) },
      ].map((result) => JSON.stringify({ key: 'k', ...result }).replace('"#"', '9223372036854775807')),
    );
  });

  test('a fold that fails leaves all windows as they were', async () => {
    const rig = new Rig({
      hopping: { size: '20s', every: '10s' },
      aggregate: {
        n: 'count',
        list: { fold: '${! $append(state, json.x) }', start: [] },
        sum: { fold: '${! state + json.n }', start: 0 },
      },
    });
    await rig.takeLater(15, { x: 1, n: 1 });
    await assert.rejects(
      async () => rig.takeLater(15, { x: 'y'.repeat(70_000), n: 1 }),
      /a state of more than 65536 characters/,
    );
    await assert.rejects(async () => rig.takeLater(15, { x: 1, n: 9007199254740991 }), /whole number above 2\^53/);
    await rig.takeLater(100, { x: 1, n: 1 });
    assert.deepEqual(
      rig.results().map((result) => (result as { n: number }).n),
      [1, 1],
    );
  });

  test('closes a hundred thousand sessions as their results are asked for', () => {
    const rig = new Rig({ session: '10s', aggregate: { n: 'count' } });
    for (let n = 0; n < 100_000; n += 1) rig.take(0, {}, { key: `k${n}` });
    const { keys } = rig.size;
    rig.take(60, {});
    assert.equal(rig.size.keys, keys + 1, 'none is closed yet');
    assert.equal(rig.results().length, 100_000);
    assert.equal(rig.size.keys, 1);
    assert.equal(rig.replay, 100_000);
  });

  for (const [settings, words] of [
    [{ aggregate: { n: 'count' } }, /give one of tumbling, hopping and session/],
    [{ tumbling: '1m', session: '1m', aggregate: { n: 'count' } }, /give one of tumbling, hopping and session/],
    [{ tumbling: '2400h', aggregate: { n: 'count' } }, /at most 744h \(31 days\)/],
    [{ tumbling: '1m', aggregate: {} }, /name at least one field/],
    [{ tumbling: '1m', aggregate: { start: 'count' } }, /key, start, end and partial are fields/],
    [{ tumbling: '1m', aggregate: { n: 'median' } }, /expected count, or one of count, sum/],
    [{ hopping: { size: '1m', every: '2m' }, aggregate: { n: 'count' } }, /every is at most size/],
    [{ session: '1m', aggregate: { n: { fold: '${! state }', start: 0 } } }, /a record may join two sessions/],
    [{ tumbling: '1m', aggregate: { n: { fold: 'state', start: 0 } } }, /is not one expression/],
    [{ tumbling: '1m', aggregate: { n: { fold: '${! sate + 1 }', start: 0 } } }, /reads sate/],
    [{ tumbling: '1m', aggregate: { n: { fold: '${! state + 1 }' } } }, /state \+ json\.amount }\\", start: 0 }/],
    [{ tumbling: '1m', aggregate: { n: 'count' }, emit: 'often' }, /expected final, changes/],
    [{ tumbling: '1m', aggregate: { n: 'count' }, late: 'keep' }, /expected drop, or/],
    [{ tumbling: '1m', aggregate: { n: 'count' }, state: { keys: 10, when_full: 'emit' } }, /keys is at least 1000/],
  ] as const)
    test(`says what is wrong with ${JSON.stringify(settings)}`, () => {
      const { error } = window.config.safeParse(settings);
      assert.match(JSON.stringify(error?.issues), words);
    });
});
