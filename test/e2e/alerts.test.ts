import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';

const alertsOf = ({ frames }: TestClient) =>
  frames.map((frame) => JSON.parse(frame.toString()) as Record<string, unknown>);

/** Sends logins of a user and waits until the log has them. */
async function logIn(client: TestClient, user: string, ...logins: readonly [outcome: string, address: string][]) {
  const wanted = client.frames.length + logins.length;
  for (const [outcome, address] of logins) client.ws.send(JSON.stringify({ user, outcome, address }));
  await client.until(() => client.frames.length === wanted);
}

async function opened(gateway: GatewayProcess) {
  await gateway.ready();
  const url = `ws://127.0.0.1:${gateway.port}`;
  return { guard: await TestClient.open(`${url}/alerts`), app: await TestClient.open(`${url}/logins`) };
}

test('config/examples/alerts.yaml: guessed passwords and unused codes become alerts, also across a kill', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'alerts-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const env = { KAFKA_DRIVER: 'embedded', UNUSED_AFTER: '1s', UNUSED_IDLE: '500ms' };
  const options = { config: 'config/examples/alerts.yaml', dataDir, env };
  const first = await startGateway(t, options);
  const before = await opened(first);
  await logIn(before.app, 'bob', ['failed', '1'], ['ok', '1']);
  await logIn(before.app, 'ada', ['failed', '1'], ['failed', '2']);
  // Offsets are committed once a second; what has begun is only in memory.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await first.stop('SIGKILL');

  const { guard, app } = await opened(await startGateway(t, options));
  await logIn(app, 'ada', ['failed', '3'], ['ok', '4']);
  await guard.until(() => guard.frames.length === 1);
  const [{ start, end, ...guessed } = {}] = alertsOf(guard);
  assert.deepEqual(guessed, { key: 'ada', failed: ['1', '2', '3'], success: '4', alert: 'guessed password' });
  assert.ok(Number(start) < Number(end));

  await logIn(app, 'eve', ['code sent', '5']);
  await guard.until(() => guard.frames.length === 2);
  const { key, asked, alert } = alertsOf(guard)[1] ?? {};
  assert.deepEqual({ key, asked, alert }, { key: 'eve', asked: '5', alert: 'unused code' });
});
