import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { collect } from '../../../../src/pipelines/operators/collect/collect.ts';
import { AT, mistakeIn, OperatorRig } from './operator-rig.ts';

describe('collect', () => {
  test('makes an array of so many records, and of those of a period', async () => {
    const rig = new OperatorRig(collect, { count: 3, period: '10s' });
    for (const at of [0, 1, 2, 3]) await rig.take(at, { n: at });
    const [full, ...others] = rig.results();
    assert.equal(full?.text, '[{"n":0},{"n":1},{"n":2}]');
    assert.deepEqual([full?.key, full?.timestamp, full?.headers], [null, AT + 2_000, [['tidegate-count', '3']]]);
    assert.equal(others.length, 0);
    await rig.take(12, 'text');
    assert.deepEqual(rig.texts(), []);
    await rig.take(13, { n: 13 });
    assert.deepEqual(rig.texts(), ['[{"n":3},"text"]']);
    assert.equal(rig.replay, 5);
  });

  test('has an array for each key, which end together and are rebuilt together', async () => {
    const rig = new OperatorRig(collect, { count: 2, period: '10s', by: '${! key }', value: '${! json }' });
    for (const [at, key] of ['a', 'b', 'a', 'c'].entries()) await rig.take(at, at, { key });
    const [full] = rig.results();
    assert.deepEqual([full?.text, full?.key], ['[0,2]', 'a']);
    assert.equal(rig.replay, 0);
    await rig.take(10, 10, { key: 'd' });
    assert.deepEqual(rig.texts(), ['[1]', '[3]']);
    assert.deepEqual(rig.replay, 4);
    assert.equal(rig.size.keys, 1);
  });

  test('ends an array in front of a value with which it would be too long', async () => {
    const rig = new OperatorRig(collect, { count: 100, bytes: '12B' });
    for (const text of ['"aaa"', '"bbb"', '"ccc"', '"a value longer than that"']) await rig.take(0, text);
    assert.deepEqual(rig.texts(), ['["aaa","bbb"]', '["ccc"]']);
    await rig.take(0, '1');
    assert.deepEqual(rig.texts(), ['["a value longer than that"]']);
  });

  test('is not stopped by a record of the future', async () => {
    const rig = new OperatorRig(collect, { period: '10s' });
    const now = (rig.context.clock.now() - AT) / 1_000;
    await rig.take(now + 1_000_000_000, 1);
    rig.context.clock.advance(10_000);
    await rig.take(now + 10, 2);
    assert.deepEqual(rig.texts(), ['[1]']);
  });

  test('refuses what its limits do not allow, also for keys that it has', async () => {
    const settings = { period: '1h', by: '${! key }', state: { keys: 2, bytes: '2KiB' } };
    const rig = new OperatorRig(collect, settings);
    await rig.take(0, 1, { key: 'a' });
    await rig.take(0, 1, { key: 'b' });
    await rig.fails('TG_STATE_FULL', /limit of 2 keys; raise state\.keys, or make the period shorter/, 0, 1, {
      key: 'c',
    });
    await rig.take(0, 'x'.repeat(2_000), { key: 'a' });
    await rig.fails('TG_STATE_FULL', /limit of 2048 bytes/, 0, 1, { key: 'a' });
    await rig.take(3_600, 1, { key: 'a' }).catch(() => {});
    assert.equal(rig.results().length, 2);
    assert.ok(rig.size.bytes < 1_000, `${rig.size.bytes}`);
  });

  for (const [settings, words] of [
    [{}, /give count, period, or both/],
    [{ count: 5, by: '${! key }' }, /with by, give a period/],
    [{ period: '2400h' }, /at most 744h \(31 days\)/],
    [{ count: 5, bytes: '1GiB' }, /at most 64MiB/],
    [{ count: 0 }, /at least 1/],
  ] as const)
    test(`says what is wrong with ${JSON.stringify(settings)}`, () => {
      assert.match(mistakeIn(collect, settings), words);
    });
});
