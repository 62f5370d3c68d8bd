import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourceSettings } from '../../../src/feeds/settings/source-settings.ts';
import { symbolsOfText } from '../../../src/feeds/settings/symbols-of-text.ts';

const SYMBOLS = '${! meta.shard.symbols }';

/** The mistakes in the settings of a feed, each as `path: message`. */
function mistakes(settings: Record<string, unknown>): string[] {
  const given = { url: 'wss://feed.example/ws', subscribe: { sub: SYMBOLS }, ...settings };
  const parsed = sourceSettings.safeParse(given);
  return (parsed.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('shards have exactly one list, and defaults for the rest', () => {
  const { shards } = sourceSettings.parse({ url: 'ws://x', subscribe: { sub: SYMBOLS }, shards: { list: ['a'] } });
  assert.deepEqual(shards, { list: ['a'], per_connection: 200, connect_interval: 100 });
  for (const shards of [{}, { list: ['a'], topic: { name: 't' } }])
    assert.deepEqual(mistakes({ shards }), ['shards: set exactly one of list, file and topic']);
  for (const list of [[], [''], [{}]]) assert.equal(mistakes({ shards: { list } }).length, 1, JSON.stringify(list));
});

test('a part of the symbols is a number of a total', () => {
  assert.deepEqual(mistakes({ shards: { list: ['a'], share: '3/3' } }), []);
  for (const share of ['0/3', '4/3', '1', '1/0', 'x/y', '1/99999', ' 1/3'])
    assert.equal(mistakes({ shards: { list: ['a'], share } }).length, 1, share);
});

test('symbols can be used by the messages that subscribe and unsubscribe, and one of them has to', () => {
  const shards = { list: ['a'], unsubscribe: { unsub: SYMBOLS } };
  assert.deepEqual(mistakes({ shards }), []);
  assert.deepEqual(mistakes({}), ['subscribe.0: there is no shards, so ${! meta.shard } never has a value']);
  assert.deepEqual(mistakes({ shards, subscribe: 'all' }), [
    'shards: no message of subscribe uses ${! meta.shard.symbols }',
  ]);
  assert.deepEqual(mistakes({ shards: { ...shards, unsubscribe: 'all' } }), [
    'shards.unsubscribe: it does not use ${! meta.shard.symbols }',
  ]);
  const heartbeat = { send: { every: '1s', message: { symbols: SYMBOLS } } };
  assert.match(mistakes({ shards, heartbeat }).join(), /^heartbeat\.send\.message: .* of subscribe and in shards/);
});

test('a file has one symbol on each line, whatever ends the line', () => {
  assert.deepEqual([...symbolsOfText('# all\r\n a \n\nb/c\rd # e\na\n')], ['a', 'b/c', 'd # e']);
  assert.throws(() => symbolsOfText('\n# none\n'), /no symbols/);
  const lines = (count: number) => Array.from({ length: count }, (_, at) => `${at}`).join('\n');
  assert.equal(symbolsOfText(lines(100_000)).size, 100_000);
  assert.throws(() => symbolsOfText(lines(100_001)), /more than 100000/);
});
