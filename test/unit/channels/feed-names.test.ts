import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FeedNames } from '../../../src/channels/feed/feed-names.ts';

const names = (text: string) => new FeedNames({ text });

test('text around the key of the record says the key of a channel', () => {
  for (const text of ['a.${! key }.b', 'a.${!key}.b', 'a.${!  key}.b']) {
    const found = names(text);
    assert.deepEqual([found.hasKey, found.has('a.BTC.b'), found.keyOf('a.BTC.b')], [true, true, 'BTC'], text);
  }
  assert.equal(names('${! key }').keyOf('x'), 'x');
  const empty = names('a.${! key }.b');
  assert.deepEqual([empty.has('a..b'), empty.keyOf('a..b'), empty.has('a.b')], [true, '', false]);
  for (const text of ['a.${! key }.${! key }', 'a.${! json.key }', 'a.${! $uppercase(key) }', 'key', '${! key & "a" }'])
    assert.equal(names(text).hasKey, false, text);
});

test('names have what is in front of the first expression and behind the last one', () => {
  const found = names('a.${! json.x }-${! {"y": "}"}.y }.b');
  assert.deepEqual(
    ['a.1-2.b', 'a..b', 'a.b', 'a.1', 'x.1.b'].map((channel) => found.has(channel)),
    [true, true, false, false, false],
  );
  assert.deepEqual([names('all').has('all'), names('all').has('all.b')], [true, false]);
});

test('templates overlap where one name may come of both', () => {
  for (const [one, other, expected] of [
    ['a.${! key }', 'b.${! key }', false],
    ['a.${! key }', 'a.b.${! key }', true],
    ['a.${! key }.x', 'a.${! key }.y', false],
    ['a.${! key }.x', '${! json.z }x', true],
    ['a.${! key }', 'a.b', true],
    ['a.${! key }', 'b', false],
    ['a.${! key }', 'a.', true],
    ['a.${! key }.b', 'a..b', true],
    ['a.${! key }.b', 'a.b', false],
    ['${! json.x }-${! json.y }', '-', true],
    ['a', 'a', true],
    ['a', 'b', false],
  ] as const) {
    assert.equal(names(one).overlaps(names(other)), expected, `${one} ${other}`);
    assert.equal(names(other).overlaps(names(one)), expected, `${other} ${one}`);
  }
});
