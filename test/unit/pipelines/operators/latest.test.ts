import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { latest } from '../../../../src/pipelines/operators/latest/latest.ts';
import { AT, mistakeIn, OperatorRig } from './operator-rig.ts';

describe('latest', () => {
  test('gives the newest record of each key as it came, and nothing where there is none', async () => {
    const rig = new OperatorRig(latest, { every: '1s' });
    const tick = () => rig.partition.operator.tick?.();
    const headers = [['h', '1']] as const;
    await rig.take(0, { p: 1 });
    await rig.take(1, { p: 5 }, { key: 'other' });
    await rig.take(2, '{ "p": 12345678901234567890 }', { headers });
    assert.equal(rig.replay, 1);
    tick();
    const results = rig.results();
    assert.deepEqual(
      results.map(({ text, key }) => `${key} ${text}`),
      ['k { "p": 12345678901234567890 }', 'other {"p":5}'],
    );
    assert.deepEqual([results[0]?.timestamp, results[0]?.headers], [AT + 2_000, headers]);
    assert.equal(rig.replay, 2);
    tick();
    assert.deepEqual(rig.texts(), []);
    const replaced = rig.context.stats.counter('tidegate_latest_replaced_total', { place: 'pipelines.p.x' });
    assert.equal(replaced.value, 1);
  });

  test('keeps the newest while the log has not taken the last ones', async () => {
    const rig = new OperatorRig(latest, { every: '1s' });
    const tick = () => rig.partition.operator.tick?.();
    await rig.take(0, 1);
    tick();
    await rig.take(1, 2);
    tick();
    await rig.take(1, 3);
    assert.deepEqual(rig.texts(), ['1']);
    tick();
    assert.deepEqual(rig.texts(), ['3']);
  });

  test('what no transaction can take yet is read again after a crash', async () => {
    const rig = new OperatorRig(latest, { every: '1s' });
    const { progress } = rig.partition;
    await rig.take(0, 1);
    await rig.take(1, 2, { key: 'other' });
    rig.partition.operator.tick?.();
    const [first] = rig.staged();
    // The second record is not done, as if a part of it became a dead letter.
    assert.equal(progress.note(1).replay, 0);
    assert.equal(first?.readiness, 'early');
    assert.equal(progress.note(2).replay, 1);
    assert.equal(first?.readiness, 'ready');
  });

  test('fails a record without a key, and one above its limit', async () => {
    const rig = new OperatorRig(latest, { every: '1s', by: '${! json.s }', state: { keys: 1 } });
    await rig.fails('TG_EXPRESSION_FAILED', /json\.s } gives no value/, 0, {});
    await rig.fails('TG_EXPRESSION_FAILED', /an object where text is due/, 0, { s: {} });
    await rig.take(0, { s: 'a' });
    await rig.fails('TG_STATE_FULL', /limit of 1 keys/, 0, { s: 'b' });
    await rig.take(0, { s: 'a', n: 2 });
    rig.partition.operator.tick?.();
    assert.deepEqual(rig.json(), [{ s: 'a', n: 2 }]);
    assert.deepEqual(rig.size, { keys: 0, bytes: 0 });
  });

  test('says what is wrong with a time that is too short or too long', () => {
    for (const every of ['1ms', '48h']) assert.match(mistakeIn(latest, { every }), /from 10ms to 24h/);
  });
});
