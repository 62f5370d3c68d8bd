import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ensureTopic } from '../../../src/core/ensure-topic.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import type { LogAdmin, TopicSpec } from '../../../src/core/log.ts';

function adminOf(existing: string[], failure?: TidegateError) {
  const created: TopicSpec[] = [];
  const admin = {
    describe: async (name: string) => (existing.includes(name) ? { name } : undefined),
    create: async (topic: TopicSpec) => {
      if (failure !== undefined) throw failure;
      created.push(topic);
      return true;
    },
  } as unknown as LogAdmin;
  return { admin, created };
}

test('a topic is created where it is missing, with its settings and nothing else', async () => {
  const { admin, created } = adminOf(['old']);
  assert.equal(await ensureTopic(admin, { name: 'old', partitions: 3 }), false);
  assert.equal(await ensureTopic(admin, { name: 'new', partitions: 3, create: true }), true);
  assert.deepEqual(created, [{ name: 'new', partitions: 3 }]);
});

test('a topic that must not be created is missed, and settings that the log refuses are named', async () => {
  const { admin, created } = adminOf([]);
  await assert.rejects(ensureTopic(admin, { name: 't', create: false }), {
    code: 'TG_TOPIC_MISSING',
    message: /log\.topics\.t\.create/,
  });
  assert.deepEqual(created, []);
  const refused = adminOf([], new TidegateError('TG_TOPIC_INVALID', 'replication 9')).admin;
  const message = 'the topic t cannot be created as the configuration has it: replication 9';
  await assert.rejects(ensureTopic(refused, { name: 't' }), { code: 'TG_TOPIC_INVALID', message });
  const away = adminOf([], new TidegateError('TG_LOG_UNAVAILABLE', 'no broker')).admin;
  await assert.rejects(ensureTopic(away, { name: 't' }), { code: 'TG_LOG_UNAVAILABLE', message: 'no broker' });
});
