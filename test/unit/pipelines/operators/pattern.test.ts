import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pattern } from '../../../../src/pipelines/operators/pattern/pattern.ts';
import { AT, mistakeIn, OperatorRig } from './operator-rig.ts';

const FAILED = { name: 'failed', when: "${! json.o = 'failed' }", times: 3 };
const OK = { name: 'ok', when: "${! json.o = 'ok' }" };
const failed = (ip: string) => ({ o: 'failed', ip });

describe('a pattern', () => {
  test('gives one JSON record for three failures and a success, with what it keeps of them', async () => {
    const rig = new OperatorRig(pattern, { steps: [FAILED, OK], within: '5m', value: '${! json.ip }' });
    for (const [at, ip] of ['a', 'b', 'c', 'd'].entries()) await rig.take(at, failed(ip));
    await rig.take(10, { o: 'other' });
    await rig.take(20, { o: 'ok', ip: 'e' }, { key: 'another' });
    assert.deepEqual(rig.json(), []);
    await rig.take(30, { o: 'ok', ip: 'f' });
    const [result, ...others] = rig.results();
    assert.deepEqual(result?.json, { key: 'k', start: AT, end: AT + 30_000, failed: ['a', 'b', 'c'], ok: 'f' });
    assert.deepEqual([result?.key, result?.timestamp, others.length], ['k', AT + 30_000, 0]);
    assert.deepEqual(result?.headers, [
      ['tidegate-pattern-start', String(AT)],
      ['tidegate-pattern-end', String(AT + 30_000)],
    ]);
  });

  test('settles the record that completes a match when the log has the match', async () => {
    const rig = new OperatorRig(pattern, { steps: [{ ...FAILED, times: 1 }, OK], within: '5m' });
    await rig.take(0, failed('a'));
    await rig.take(1, { o: 'ok' });
    assert.deepEqual(rig.acked, [0]);
    assert.equal(rig.partition.progress.note(1).replay, 0);
    assert.equal(rig.results().length, 1);
    assert.deepEqual(rig.acked, [0, 1]);
  });

  test('gives every match that ends with a record where they may overlap', async () => {
    const rig = new OperatorRig(pattern, { steps: [{ ...FAILED, times: 2 }, OK], within: '1m', overlapping: true });
    for (const at of [0, 1, 2]) await rig.take(at, failed(String(at)));
    await rig.take(3, { o: 'ok' });
    assert.deepEqual(
      rig.json().map((result) => (result as { failed: { ip: string }[] }).failed.map(({ ip }) => ip)),
      [
        ['0', '1'],
        ['1', '2'],
      ],
    );
  });

  test('is over with a record in between where it is strict, and when its time is over', async () => {
    const strict = new OperatorRig(pattern, { steps: [FAILED, OK], within: '1m', strict: true });
    for (const value of [failed('1'), failed('2'), { o: 'other' }, failed('3'), { o: 'ok' }])
      await strict.take(0, value);
    assert.deepEqual(strict.json(), []);
    const late = new OperatorRig(pattern, { steps: [{ ...FAILED, times: 1 }, OK], within: '1m' });
    await late.take(0, failed('1'));
    await late.take(60, { o: 'ok' });
    assert.deepEqual(late.json(), []);
    assert.deepEqual(late.size, { keys: 0, bytes: 0 });
  });

  test('finds what does not come within its time, and what must not come in between', async () => {
    const steps = [{ name: 'order', when: '${! json.order }' }, { absent: '${! json.paid }' }];
    const rig = new OperatorRig(pattern, { steps, within: '10s', lateness: '5s' });
    await rig.take(0, { order: 1 });
    await rig.take(1, { order: 2 }, { key: 'paying' });
    await rig.take(12, { other: 1 });
    await rig.take(9, { paid: true }, { key: 'paying' });
    assert.deepEqual(rig.json(), []);
    await rig.take(20, { other: 1 });
    assert.deepEqual(rig.json(), [{ key: 'k', start: AT, end: AT + 10_000, order: { order: 1 } }]);
    const between = [steps[0], steps[1], { name: 'sent', when: '${! json.sent }' }];
    const unpaid = new OperatorRig(pattern, { steps: between, within: '10s' });
    for (const value of [{ order: 1 }, { paid: 1 }, { sent: 1 }, { order: 2 }, { sent: 2 }])
      await unpaid.take(0, value);
    assert.deepEqual(
      unpaid.json().map((result) => (result as { order: unknown }).order),
      [{ order: 2 }],
    );
  });

  test('keeps every digit of what it passes on, and text that is not JSON', async () => {
    const steps = [{ name: 'all', when: "${! headers.a = 'b' }", times: 3 }];
    const rig = new OperatorRig(pattern, { steps, within: '1m' });
    const headers = [['a', 'b']] as const;
    for (const text of ['{"id":12345678901234567890}', 'not "JSON"']) await rig.take(0, text, { headers });
    await rig.take(0, '', { headers, meta: { tombstone: true } });
    assert.match(rig.texts().join(), /"all":\[\{"id":12345678901234567890\},"not \\"JSON\\"",null\]/);
  });

  test('fails a record alone whose key is an object or missing, or whose time is none or in the year 9999', async () => {
    const settings = { steps: [FAILED, OK], within: '5m', by: '${! json.by }', time: '${! json.at }' };
    const rig = new OperatorRig(pattern, settings);
    await rig.fails('TG_EXPRESSION_FAILED', /an object where text is due/, 0, { at: AT, by: { id: 1 } });
    await rig.fails('TG_EXPRESSION_FAILED', /json\.by } gives no value/, 0, { at: AT });
    await rig.fails('TG_EXPRESSION_FAILED', /gives no point in time/, 0, { by: 'x' });
    await rig.fails('TG_EXPRESSION_FAILED', /9999-01-01T00:00:00.000Z, more than a day/, 0, {
      at: '9999-01-01',
      by: 1,
    });
    await rig.fails('TG_EXPRESSION_FAILED', /./, 0, 'no JSON');
    assert.equal(rig.size.keys, 0);
  });

  test('refuses a record that would begin more matches than its limit, and goes on with those that it has', async () => {
    const rig = new OperatorRig(pattern, { steps: [{ ...FAILED, times: 1 }, OK], within: '5m', state: { keys: 1 } });
    await rig.take(0, failed('1'));
    await rig.fails('TG_STATE_FULL', /limit of 1 keys; raise state\.keys, or make within shorter/, 1, failed('2'));
    await rig.take(2, { o: 'ok' });
    assert.equal(rig.json().length, 1);
  });

  test('counts a record that is too late to begin a match', async () => {
    const rig = new OperatorRig(pattern, { steps: [{ ...FAILED, times: 1 }, OK], within: '5s' });
    await rig.take(10, { o: 'other' });
    await rig.take(5, failed('1'));
    assert.equal(rig.late, 1);
    await rig.take(6, { o: 'ok' });
    assert.deepEqual(rig.json(), []);
  });

  test('forgets matches that were ended long before their time', async () => {
    const beat = '${! json.beat }';
    const rig = new OperatorRig(pattern, { steps: [{ name: 'beat', when: beat }, { absent: beat }], within: '24h' });
    for (let at = 0; at < 5_000; at += 1) await rig.take(at, { beat: true });
    assert.equal(rig.size.keys, 1);
    assert.ok(rig.replay >= 4_990, `${rig.replay}`);
  });

  for (const [settings, words] of [
    [{ steps: [FAILED, OK], within: '2400h' }, /at most 744h \(31 days\)/],
    [{ steps: [{ absent: '${! json.a }' }, OK], within: '1m' }, /the first step has when/],
    [{ steps: [OK], within: '1m' }, /one record alone is what filter is for/],
    [{ steps: [OK, { absent: '${! key }' }, { absent: '${! text }' }], within: '1m' }, /two absent steps follow/],
    [{ steps: [OK, OK], within: '1m' }, /two steps have the same name/],
    [{ steps: [OK, { ...OK, name: 'end' }], within: '1m' }, /end is a field of every result/],
    [{ steps: [OK, { when: '${! key }' }], within: '1m' }, /give the step a name/],
    [{ steps: [OK, { name: 'x' }], within: '1m' }, /either when or absent/],
    [{ steps: [OK, { absent: '${! key }', times: 2 }], within: '1m' }, /nothing else/],
    [
      {
        steps: [
          { ...FAILED, times: 60 },
          { ...OK, times: 60 },
        ],
        within: '1m',
      },
      /at most 100 records, and these are 120/,
    ],
    [{ steps: [OK, { name: 'b', when: 'b' }], within: '1m' }, /true for everything/],
  ] as const)
    test(`says what is wrong with ${JSON.stringify(settings).slice(0, 70)}`, () => {
      assert.match(mistakeIn(pattern, settings), words);
    });
});
