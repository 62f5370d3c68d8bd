import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/index.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { TopicsClient } from '../helpers/topics-client.ts';

test("limits of an address hold for new connections too, and no client exceeds the operator's limits", async (t) => {
  const everything = { create: '*', read: '*', write: '*', groups: '*' };
  const { config } = await loadConfig(
    {
      log: { driver: 'embedded', embedded: { memory: true, retention_bytes: '1MiB' } },
      admin: { enabled: false },
      listeners: { public: { port: 0 } },
      endpoints: {
        topics: {
          listener: 'public',
          path: '/',
          codec: 'topics',
          allow: everything,
          topics: { max_groups: 3, groups_per_minute: 100 },
        },
      },
    },
    { production: null },
  );
  const gateway = await Gateway.create(config, { logger: createLogger({ level: 'silent' }), servers: {} });
  t.after(() => gateway.stop());
  await gateway.start();
  await gateway.ready();
  const port = gateway.ports().listeners.public ?? 0;
  const topics = async () => (await gateway.context.log.admin.topics()).size;

  let created = 0;
  for (let round = 0; round < 5; round++) {
    const client = await TopicsClient.open(port, '/');
    for (let index = 0; index < 3; index++) {
      const names = Array.from({ length: 20 }, (_, each) => `t-${round}-${index}-${each}`);
      const { s, code } = await client.topic('create', names);
      if (s === 0) created += names.length;
      else assert.equal(code, 'TG_LIMIT_REACHED');
    }
    await client.close();
  }
  assert.deepEqual([created, await topics()], [60, 60]);

  const client = await TopicsClient.open(port, '/');
  const large = { topic: 'large', config: { 'retention.bytes': `1${'0'.repeat(20)}` } };
  assert.equal((await client.topic('create', [large])).code, 'TG_NOT_ALLOWED');
  assert.equal(await topics(), 60);

  const subscribe = (by: TopicsClient, group: string) =>
    by.topic('subscribe', { t: ['t-0-0-0'], consumer_group: group });
  const members: TopicsClient[] = [];
  for (const group of ['a', 'b', 'c']) {
    const member = await TopicsClient.open(port, '/');
    assert.equal((await subscribe(member, group)).s, 0);
    members.push(member);
  }
  assert.equal((await subscribe(client, 'd')).code, 'TG_LIMIT_REACHED', 'there are three groups');
  assert.equal((await subscribe(client, 'a')).s, 0);
  for (const each of [...members, client]) await each.close();
});
