import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import type { ConfigObject, Gateway } from '../../../src/index.ts';
import { gatewayOf, MEMORY, ready } from './rig.ts';

type Frame = Record<string, unknown>;

/** A client that waits for the answer to each frame. */
async function clientOf(t: TestContext, gateway: Gateway, path: string) {
  const ws = new WebSocket(`ws://127.0.0.1:${gateway.ports().listeners.public}${path}`);
  t.after(() => ws.terminate());
  await new Promise((resolve) => ws.once('open', resolve));
  return async (frame: Frame): Promise<Frame> => {
    ws.send(JSON.stringify(frame));
    return new Promise((resolve) => ws.once('message', (data) => resolve(JSON.parse(String(data)))));
  };
}

/** Types of the answers to five subscribes, and whether they came without the pauses of a client that is held. */
async function subscribed(ask: (frame: Frame) => Promise<Frame>, prefix: string) {
  const begun = performance.now();
  const types: unknown[] = [];
  for (let id = 0; id < 5; id += 1) types.push((await ask({ type: 'subscribe', channel: `${prefix}.${id}`, id })).type);
  return [new Set(types).has('error'), performance.now() - begun < 1_000];
}

const OUT = {
  source: { topic: { names: ['prices'] } },
  sink: { endpoint: { name: 'prices', channel: 'a.$' + '{! key }' } },
};
const IN = { source: { endpoint: 'prices' }, sink: { topic: { name: 'orders' } } };
const config = (pipelines: object): ConfigObject => ({
  ...MEMORY,
  listeners: { public: { port: 0 } },
  endpoints: {
    prices: { listener: 'public', path: '/prices', codec: 'json', channels: {}, allow: { subscribe: '*' } },
  },
  pipelines: { out: OUT, ...pipelines },
});

test('clients of channels that no pipeline reads are answered at once, also after a reload', async (t) => {
  const gateway = await gatewayOf(t, config({}));
  await ready(gateway);
  const ask = await clientOf(t, gateway, '/prices');
  assert.deepEqual(await subscribed(ask, 'a'), [false, true]);
  const refused = { type: 'error', code: 'TG_FLOW_FAILED', retryable: true };
  const refusal = async (id: number) => {
    const { type, code, retryable } = await ask({ hello: id, id });
    return { type, code, retryable };
  };
  assert.deepEqual(await refusal(1), refused);
  await gateway.reload(config({ in: IN }));
  assert.equal((await ask({ hello: 2, id: 2 })).type, 'ack', 'a pipeline reads it');
  await gateway.reload(config({}));
  assert.deepEqual(await subscribed(ask, 'b'), [false, true]);
  assert.deepEqual(await refusal(3), refused);
});
