import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { configOf } from '../helpers/reload-rig.ts';

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends a gateway with exit code 0, and it says that nothing was lost`, async (t) => {
    const gateway = await startGateway(t);
    await gateway.ready();
    assert.equal(await gateway.stop(signal), 0);
    assert.match(gateway.output(), new RegExp(`${signal}: delivering in-flight messages`));
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

test('an uncaught exception ends a gateway with a line of the log and exit code 1', async (t) => {
  const gateway = await startGateway(t, { config: 'test/fixtures/defect.yaml' });
  await gateway.ready();
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/`);
  const exited = once(gateway.process, 'exit');
  client.ws.send('boom');
  assert.deepEqual(await exited, [1, null]);
  assert.match(
    gateway.output(),
    /"level":"error".*an unexpected error in Tidegate or in a plugin ended the gateway: Error: out of the blue/,
  );
});

test('what plugins and Node print by themselves are lines of the log', async (t) => {
  const gateway = await startGateway(t, { config: 'test/fixtures/defect.yaml' });
  await gateway.ready();
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/`);
  client.ws.send('print');
  await until(() => /MaxFiles/.test(gateway.output()), 10_000, gateway.output);
  assert.equal(await gateway.stop(), 0);
  const lines = gateway.output().trim().split('\n');
  const bare = lines.filter((line) => !line.startsWith('{'));
  assert.deepEqual(bare, []);
  const printed = lines.map((line) => JSON.parse(line)).filter(({ scope }) => scope === 'console');
  assert.deepEqual(
    printed.map(({ level, code, msg }) => [level, code, msg.split('\n')[0]]),
    [
      ['info', undefined, 'got 1 message'],
      ['error', undefined, 'Error: printed with its stack'],
      ['warn', 'MAX', 'MaxFiles: many'],
    ],
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

test('SIGHUP behind SIGTERM, as systemd may send it, does not cut the stop short', async (t) => {
  const gateway = await startBusyGateway(t);
  gateway.process.kill('SIGTERM');
  await until(() => /SIGTERM: delivering/.test(gateway.output()), 10_000, gateway.output);
  assert.equal(await gateway.stop('SIGHUP'), 0);
  assert.match(gateway.output(), /stopped; nothing was lost/);
});

test('SIGHUP never ends a gateway: it reads its file again, also where its terminal is gone', async (t) => {
  const gateway = await startGateway(t, { config: 'test/fixtures/into-topic.yaml' });
  gateway.process.kill('SIGHUP');
  await gateway.ready();
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
  await until(() => /reload 1: nothing has changed/.test(gateway.output()), 10_000, gateway.output);
  gateway.process.stdout?.destroy();
  gateway.process.stderr?.destroy();
  gateway.process.kill('SIGHUP');
  const reloads = async () => JSON.parse((await gateway.get('/-/reload')).body).reloads as { result: string }[];
  await until(async () => (await reloads()).length === 2, 10_000, gateway.output);
  assert.deepEqual(
    (await reloads()).map(({ result }) => result),
    ['unchanged', 'unchanged'],
  );
  client.send('x', { id: 1 });
  await client.until(() => client.of('ACK').length === 1);
  assert.equal(client.closed, undefined);
  assert.equal(await gateway.stop(), 0);
});

test('with --watch a changed file is read again, and a mistake in it changes nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, configOf({}));
  const gateway = await startGateway(t, { args: ['run', '--watch', file], env: { KAFKA_DRIVER: 'embedded' } });
  await gateway.ready();
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
  writeFileSync(file, configOf({ mistake: 'endpoints: [' }));
  await until(
    () => /reload 1: nothing was changed: .*gateway\.yaml:\d+/.test(gateway.output()),
    10_000,
    gateway.output,
  );
  // As editors and Kubernetes do it.
  writeFileSync(`${file}.new`, configOf({ count: 7 }));
  renameSync(`${file}.new`, file);
  const done = /reload 2: pipelines\.steady-in changed \(batch\.count 200 -> 7\); \d+ others unchanged/;
  await until(() => done.test(gateway.output()), 10_000, gateway.output);
  assert.equal(client.closed, undefined);
  assert.equal(await gateway.stop(), 0);
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
