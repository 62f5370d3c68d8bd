import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicSource } from '../../../src/pipelines/sources/topic.ts';

const patternOf = (name: string) => {
  const { config, patterns } = topicSource;
  const [pattern] = patterns?.(config.parse({ names: [name], group: 'g' })) ?? [];
  assert.ok(pattern !== undefined, name);
  return pattern;
};

test('a * in a name is any text, and every other character of it is itself', () => {
  const names = ['res-a', 'res-', 'resxa', 'a.b', 'axb', 'a_b', '0.0-x'];
  const matched = (name: string) => names.filter((one) => patternOf(name).test(one));
  assert.deepEqual(matched('res-*'), ['res-a', 'res-']);
  assert.deepEqual(matched('a.*'), ['a.b']);
  assert.deepEqual(matched('*_b'), ['a_b']);
  assert.deepEqual(matched('*.*-*'), ['0.0-x']);
  assert.deepEqual(matched('*'), names);
  assert.equal(String(patternOf('res-*')), 'res-*');
});
