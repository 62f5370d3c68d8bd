import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { requireHaproxyOver } from '../services/haproxy.ts';
import { gatewayOf, MEMORY, next, ready } from '../unit/library/rig.ts';

for (const [version, option] of [
  ['v1', 'send-proxy'],
  ['v2', 'send-proxy-v2'],
] as const) {
  test(`behind HAProxy that passes on TCP, PROXY ${version} says the address of the client`, async (t) => {
    const gateway = await gatewayOf(t, {
      ...MEMORY,
      listeners: {
        public: { port: 0, host: '127.0.0.1', proxy_protocol: version, trusted_proxies: ['127.0.0.1'] },
      },
      endpoints: { words: { listener: 'public', path: '/ws', codec: 'envelope' } },
      pipelines: { in: { source: { endpoint: 'words' }, sink: { topic: { name: 'words' } } } },
    });
    await ready(gateway);
    const proxy = await requireHaproxyOver(t, gateway.ports().listeners.public ?? 0, option);
    if (proxy === undefined) return;
    const arrived = next(gateway, 'ws-connection');
    const client = await TestClient.open(`ws://127.0.0.1:${proxy.port}/ws`, { localAddress: '127.0.0.2' });
    assert.equal((await arrived)[1].remote, '127.0.0.2');
    client.send('hello');
    await client.until(() => client.of('ACK').length === 1);
    client.ws.terminate();
  });
}
