import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClient } from '../../helpers/client.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';

test('listeners, endpoints, pipelines and topics may have the names that every object has', async (t) => {
  const gateway = await gatewayOf(t, {
    ...MEMORY,
    log: { driver: 'embedded', embedded: { memory: true }, topics: { constructor: { partitions: 2 } } },
    admin: { enabled: false },
    listeners: { constructor: { port: 0 } },
    endpoints: { toString: { listener: 'constructor', path: '/{constructor}', codec: 'json' } },
    pipelines: {
      valueOf: { source: { endpoint: 'toString' }, sink: { topic: { name: 'hasOwnProperty' } } },
      isPrototypeOf: {
        source: { topic: { names: ['hasOwnProperty'], group: 'propertyIsEnumerable' } },
        sink: { topic: { name: 'constructor', key: '${! meta.constructor }' } },
      },
      toLocaleString: { source: { topic: { names: ['constructor'] } }, sink: { endpoint: 'toString' } },
    },
  });
  await ready(gateway);
  const { listeners, endpoints } = gateway.inspect();
  assert.deepEqual([listeners[0]?.name, listeners[0]?.attached], ['constructor', false]);
  assert.equal(endpoints[0]?.name, 'toString');
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.ports().listeners.constructor}/ann`);
  client.ws.send('{"a":1}');
  await client.until(() => client.frames.some((frame) => String(frame).includes('"a":1')));
  client.ws.terminate();
});
