import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TopicSpec } from '../../../src/core/log.ts';
import { maximaOf } from '../../../src/gateway/topic-clients.ts';
import { demandWithin } from '../../../src/topics/topic-maxima.ts';

const MAXIMA = { partitions: 10, replication: 3, config: { 'retention.ms': 60_000, 'retention.bytes': 1_000 } };

const why = (topic: Partial<TopicSpec>) => {
  try {
    demandWithin({ name: 't', ...topic }, MAXIMA);
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
};

test('every numeric setting of a topic has a maximum, however it is written', () => {
  for (const [setting, text] of [
    ['retention.bytes', '100000000000000000000'],
    ['retention.bytes', '1e20'],
    ['retention.bytes', '1001'],
    ['retention.bytes', ' 1001 '],
    ['retention.ms', 'Infinity'],
    ['retention.ms', '0xffffff'],
    ['retention.ms', '60000.5'],
  ] as const)
    assert.match(why({ config: { [setting]: text } }) ?? '', /creating the topic t: .* is at most \d+ here, not/, text);
  assert.match(why({ config: { 'retention.ms': '-1' } }) ?? '', /at most 60000 here, not unlimited/);
  assert.match(why({ partitions: 11 }) ?? '', /partitions is at most 10/);
  assert.match(why({ replication: 4 }) ?? '', /replication is at most 3/);
  const unnamed = why({ config: { 'segment.bytes': '14' } }) ?? '';
  assert.match(unnamed, /clients cannot set segment\.bytes here; .* retention\.ms, retention\.bytes/);
  assert.equal(
    why({ partitions: 10, replication: 3, config: { 'retention.ms': '60000', 'cleanup.policy': 'compact,delete' } }),
    undefined,
  );
});

test('a cleanup policy that lifts the maxima of retention is refused, with what to write', () => {
  const policy = (text: string) => ({ config: { 'cleanup.policy': text } });
  assert.match(why(policy('compact')) ?? '', /^creating the topic t: cleanup\.policy has to .*; write compact,delete$/);
  for (const text of ['', ' compact ', 'compact,', 'DELETE'])
    assert.match(why(policy(text)) ?? '', /cleanup\.policy has to contain delete here/, text);
  for (const text of ['delete', 'compact,delete', ' delete , compact'])
    assert.equal(why(policy(text)), undefined, text);
});

test('retention.bytes is for all partitions of a topic together', () => {
  assert.equal(why({ partitions: 4, config: { 'retention.bytes': '250' } }), undefined);
  assert.match(why({ partitions: 4, config: { 'retention.bytes': '251' } }) ?? '', /at most 250/);
});

test('the operator’s own maxima hold, with those of the embedded log where it is used', () => {
  const topics = { max_partitions: 5, max_replication: 2, max_config: { 'retention.ms': 1_000_000, 'segment.ms': 5 } };
  const embedded = { retention_time: 900_000, retention_bytes: 500, max_record: 100, path: '', memory: true };
  const on = (driver: 'embedded' | 'kafkajs') => maximaOf(topics as never, { driver, embedded });
  assert.deepEqual(on('embedded'), {
    partitions: 5,
    replication: 2,
    config: {
      'retention.ms': 900_000,
      'retention.bytes': 500,
      'max.message.bytes': 100,
      'delete.retention.ms': 86_400_000,
      'min.cleanable.dirty.ratio': 1,
      'segment.ms': 5,
    },
  });
  const { config } = on('kafkajs');
  assert.deepEqual(
    [config['retention.ms'], config['retention.bytes'], config['max.message.bytes']],
    [1_000_000, 1_073_741_824, 1_048_588],
  );
});
