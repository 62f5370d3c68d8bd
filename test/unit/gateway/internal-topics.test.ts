import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../src/config/index.ts';
import { internalTopicsOf } from '../../../src/gateway/reserved-names.ts';

const RESUMING = {
  source: {
    websocket_client: { url: 'ws://127.0.0.1:1', resume: { cursor: '${! json.seq }', topic: 'my-cursors' } },
  },
  sink: { topic: { name: 'trades' } },
};

test('topics in which a configuration keeps its own data are internal, whatever their names are', async () => {
  const { config } = await loadConfig(
    {
      log: { driver: 'embedded', embedded: { memory: true } },
      listeners: { public: { port: 0 } },
      endpoints: { lobby: { listener: 'public', path: '/', codec: 'rooms', presence: { topic: 'my-lobby' } } },
      pipelines: {
        trades: RESUMING,
        'lobby-in': { source: { endpoint: 'lobby' }, sink: { topic: { name: 'my-lobby' } } },
        'lobby-out': { source: { topic: { names: ['my-lobby'] } }, sink: { endpoint: 'lobby' } },
      },
      connect: { topics: 'my-connect' },
    },
    { production: null },
  );
  const internal = internalTopicsOf(config);
  const own = ['configs', 'status', 'offsets', 'work'].map((kind) => `my-connect.${kind}`);
  for (const name of [...own, 'my-cursors', '_tidegate.my-lobby.presence', '_tidegate.connect.configs'])
    assert.ok(internal.isOfGateways(name), name);
  assert.ok(internal.has('__consumer_offsets'));
  assert.ok(!internal.isOfGateways('__consumer_offsets'), 'brokers use it, not gateways');
  // What is said in a room is data: a client may read it where the operator allows that.
  for (const name of ['my-lobby', 'trades', 'my-connect', 'my-connect.configs2', '_mine'])
    assert.ok(!internal.has(name), name);
});
