import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtinRegistry } from '../../../../src/config/index.ts';
import { TidegateError } from '../../../../src/core/errors.ts';
import { PassingRig } from './passing.ts';

describe('throttle', () => {
  test('lets the first message of a period pass, by key', () => {
    const rig = new PassingRig('throttle', { every: '10s', by: '${! key }' });
    rig.send('a1', 'a2', 'b1');
    rig.clock.advance(9_999);
    rig.send('a3');
    rig.clock.advance(1);
    rig.send('a4', 'a5', 'b2');
    assert.deepEqual(rig.texts, ['a1', 'b1', 'a4', 'b2']);
    assert.equal(rig.outcomes.a3, 'filtered');
  });

  test('lets the next message pass where the one that passed has failed', () => {
    const rig = new PassingRig('throttle', { every: '10s' });
    rig.send('a1', 'a2');
    rig.passed[0]?.nack(new TidegateError('TG_LOG_UNAVAILABLE', 'away'));
    rig.send('a3', 'a4');
    assert.deepEqual(rig.texts, ['a1', 'a3']);
  });
});

describe('sample', () => {
  test('lets every n-th message pass, by key', () => {
    const rig = new PassingRig('sample', { every: 3, by: '${! key }' });
    rig.send('a1', 'a2', 'b1', 'a3', 'a4', 'b2', 'a5', 'a6', 'a7');
    assert.deepEqual(rig.texts, ['a1', 'b1', 'a4', 'a7']);
  });

  test('a share of the keys has all of its messages, the same ones after a restart', () => {
    const keys = Array.from({ length: 2_000 }, (_, at) => `${String.fromCharCode(97 + (at % 26))}${at}`);
    const chosen = () => {
      const rig = new PassingRig('sample', { share: 0.25, by: '${! json.k }' });
      rig.send(...keys.map((k) => JSON.stringify({ k })), ...keys.map((k) => JSON.stringify({ k, again: true })));
      return rig.texts.map((text) => (JSON.parse(text) as { k: string }).k);
    };
    const first = chosen();
    assert.deepEqual(chosen(), first);
    assert.ok(first.length > 800 && first.length < 1_200, `${first.length} of 4,000`);
    for (const key of new Set(first)) assert.equal(first.filter((one) => one === key).length, 2);
  });

  test('a share of messages without an offset is chosen by chance', () => {
    const rig = new PassingRig('sample', { share: 0.5 });
    rig.send(...Array.from({ length: 2_000 }, (_, at) => `a${at}`));
    assert.ok(rig.texts.length > 800 && rig.texts.length < 1_200, `${rig.texts.length} of 2,000`);
  });

  test('neither or both ways, and shares that mean all or nothing, are refused', () => {
    const spec = [...builtinRegistry().all('operator')].find(({ name }) => name === 'sample');
    for (const config of [{}, { share: 0.5, every: 2 }, { share: 0 }, { share: 1 }, { share: 2 }, { every: 1 }])
      assert.equal(spec?.config.safeParse(config).success, false, JSON.stringify(config));
  });
});
