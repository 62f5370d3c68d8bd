import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/index.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ConnectApi } from '../helpers/connect-gateway.ts';
import { TopicsClient } from '../helpers/topics-client.ts';

const FEED = 'ws://127.0.0.1:1';
const INTERNAL = ['my-connect.configs', 'my-connect.status', 'my-connect.offsets', 'my-connect.work', 'my-cursors'];

test('clients and connectors reach no topic that the configuration uses internally, whatever its name', async (t) => {
  const resume = { cursor: '${! json.seq }', topic: 'my-cursors' };
  const { config } = await loadConfig(
    {
      log: { driver: 'embedded', embedded: { memory: true } },
      admin: { enabled: false },
      connect: { port: 0, topics: 'my-connect' },
      listeners: { public: { port: 0 } },
      endpoints: {
        topics: {
          listener: 'public',
          path: '/',
          codec: 'topics',
          allow: { create: '*', read: '*', write: '*', groups: '*' },
        },
      },
      pipelines: {
        trades: { source: { websocket_client: { url: FEED, resume } }, sink: { topic: { name: 'trades' } } },
      },
    },
    { production: null },
  );
  const gateway = await Gateway.create(config, { logger: createLogger({ level: 'silent' }), servers: {} });
  t.after(() => gateway.stop());
  await gateway.start();
  const { connect, listeners } = gateway.ports();
  const api = new ConnectApi(`http://127.0.0.1:${connect}`);
  await api.until('/health', ({ status }) => status === 200);
  const feed = { 'connector.class': 'WebSocketSource', 'websocket.url': FEED, 'websocket.auth.token': 'geheim' };
  const made = await api.call('POST', '/connectors', { name: 'x', config: { ...feed, 'kafka.topic': 'mine' } });
  assert.equal(made.status, 201);

  const client = await TopicsClient.open(listeners.public ?? 0, '/');
  t.after(async () => client.close());
  const listed = new Set(((await client.topic('list')).p as { topic: string }[]).map(({ topic }) => topic));
  assert.ok(listed.has('trades'));
  for (const topic of [...INTERNAL, '__consumer_offsets']) {
    assert.ok(!listed.has(topic), `${topic} is listed`);
    for (const asked of [
      client.topic('create', [topic]),
      client.topic('subscribe', { t: [topic], from: 'earliest', consumer_group: 'mine' }),
      client.publish(topic, 'x'),
    ])
      assert.deepEqual([(await asked).s, (await asked).code], [1, 'TG_NOT_ALLOWED'], topic);
    for (const key of ['kafka.topic', 'errors.deadletterqueue.topic.name', 'websocket.gap.topic']) {
      const put = await api.call('PUT', '/connectors/y/config', { ...feed, 'kafka.topic': 'mine', [key]: topic });
      assert.deepEqual([put.status, /this topic is internal/.test(put.body.message)], [400, true], `${key} ${topic}`);
    }
    const sink = {
      'connector.class': 'tidegate.WebSocketSinkConnector',
      'websocket.url': FEED,
      topics: `mine,${topic}`,
    };
    assert.equal((await api.call('PUT', '/connectors/y/config', sink)).status, 400, topic);
  }
});
