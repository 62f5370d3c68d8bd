import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends a gateway with exit code 0, and it says that nothing was lost`, async (t) => {
    const gateway = await startGateway(t);
    await gateway.ready();
    assert.equal(await gateway.stop(signal), 0);
    assert.match(gateway.output(), new RegExp(`${signal}: delivering what is on its way`));
    assert.match(gateway.output(), /stopped; nothing was lost/);
  });
}

test('a second signal ends a gateway at once with exit code 1', async (t) => {
  const gateway = await startBusyGateway(t);
  gateway.process.kill('SIGTERM');
  await until(() => /SIGTERM: delivering/.test(gateway.output()), 10_000, gateway.output);
  assert.equal(await gateway.stop('SIGINT'), 1);
  assert.match(gateway.output(), /SIGINT again: ending at once/);
  assert.doesNotMatch(gateway.output(), /nothing was lost/);
});

test('a second signal ends a gateway also while its log writes, whose thread would keep the process', async (t) => {
  const gateway = await startBusyGateway(t);
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
  const timer = setInterval(() => client.ws.send('{"messageType":"USER","content":"x","id":1}'), 1);
  t.after(() => clearInterval(timer));
  gateway.process.kill('SIGTERM');
  await until(() => /SIGTERM: delivering/.test(gateway.output()), 10_000, gateway.output);
  assert.equal(await gateway.stop('SIGINT'), 1);
});

test('an exception that nobody catches ends a gateway with a line of the log and exit code 1', async (t) => {
  const gateway = await startGateway(t, { config: 'test/fixtures/defect.yaml' });
  await gateway.ready();
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/`);
  const exited = once(gateway.process, 'exit');
  client.ws.send('boom');
  assert.deepEqual(await exited, [1, null]);
  assert.match(
    gateway.output(),
    /"level":"error".*a defect, of Tidegate or of a plugin, has ended the gateway: Error: out of the blue/,
  );
});

test('a Ctrl-C that npm passes on as well, so that it comes twice, is one signal', async (t) => {
  const gateway = await startBusyGateway(t);
  gateway.process.kill('SIGINT');
  // Apart, as the kernel makes one of two that come at the same time.
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await gateway.stop('SIGINT'), 0);
  assert.match(gateway.output(), /stopped; nothing was lost/);
});

/** With so many clients that they are sent away over the whole jitter window of 5 s: time for a second signal. */
async function startBusyGateway(t: TestContext): Promise<GatewayProcess> {
  const gateway = await startGateway(t);
  await gateway.ready();
  const url = `ws://127.0.0.1:${gateway.port}/ws`;
  const clients = await Promise.all(Array.from({ length: 50 }, () => TestClient.open(url)));
  t.after(() => {
    for (const { ws } of clients) ws.terminate();
  });
  return gateway;
}
