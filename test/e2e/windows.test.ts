import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';

const CONFIG = 'config/examples/clicks.yaml';
const START = Math.floor(Date.now() / 60_000) * 60_000 - 600_000;

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'windows-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function opened(gateway: GatewayProcess, path: string): Promise<TestClient> {
  await gateway.ready();
  return TestClient.open(`ws://127.0.0.1:${gateway.port}/${path}`);
}

/** Sends clicks and waits until the log has them. */
async function click(
  client: TestClient,
  ...clicks: readonly [page: string, user: string, second: number][]
): Promise<void> {
  const wanted = client.frames.length + clicks.length;
  for (const [page, user, second] of clicks)
    client.ws.send(JSON.stringify({ page, user, at: START + second * 1_000, seconds: second % 10 }));
  await client.until(() => client.frames.length === wanted);
}

const countsOf = ({ frames }: TestClient) =>
  frames.map((frame) => JSON.parse(frame.toString()) as Record<string, unknown>);

test('config/examples/clicks.yaml: each minute gives one message for each page, also after a kill', async (t) => {
  const env = { KAFKA_DRIVER: 'embedded' };
  const dataDir = directory(t);
  let gateway = await startGateway(t, { config: CONFIG, env, dataDir });
  let dashboard = await opened(gateway, 'counts');
  let page = await opened(gateway, 'clicks');
  await click(page, ['home', 'ada', 1], ['home', 'bob', 2], ['home', 'ada', 3], ['home', 'ada', 70]);
  await dashboard.until(() => dashboard.frames.length === 1);
  assert.deepEqual(countsOf(dashboard), [
    { key: 'home', start: START, end: START + 60_000, clicks: 3, users: 2, seconds: 2, section: 'start' },
  ]);

  // Offsets are committed once a second; the open window of the second minute is only in memory.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await gateway.stop('SIGKILL');
  gateway = await startGateway(t, { config: CONFIG, env, dataDir });
  dashboard = await opened(gateway, 'counts');
  page = await opened(gateway, 'clicks');
  await click(page, ['home', 'eve', 80], ['home', 'bob', 130]);
  await dashboard.until(() => dashboard.frames.length === 1);
  assert.deepEqual(countsOf(dashboard), [
    { key: 'home', start: START + 60_000, end: START + 120_000, clicks: 2, users: 2, seconds: 0, section: 'start' },
  ]);
  const { body: metrics } = await gateway.get('/metrics');
  assert.match(
    metrics,
    /tidegate_pipeline_received_total\{pipeline="count"\} 2\n/,
    'records that are read again do not count',
  );
});

test('windows end once their partition is idle, also where a click has a time that cannot be right', async (t) => {
  const gateway = await startGateway(t, { config: CONFIG, env: { KAFKA_DRIVER: 'embedded' } });
  const dashboard = await opened(gateway, 'counts');
  const page = await opened(gateway, 'clicks');
  // The second one says that it is from three years ahead.
  await click(page, ['home', 'ada', 1], ['home', 'eve', 90_000_000], ['nowhere', 'ada', 2]);
  await dashboard.until(() => dashboard.frames.length === 2, 20_000);
  assert.deepEqual(
    countsOf(dashboard)
      .map(({ key, clicks, section }) => `${key} ${clicks} ${section}`)
      .sort(),
    ['home 1 start', 'nowhere 1 other'],
  );
});
