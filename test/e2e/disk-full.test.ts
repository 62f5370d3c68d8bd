import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { countRecords } from '../helpers/embedded-content.ts';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';

const CONFIG = 'test/fixtures/into-topic.yaml';
const MESSAGES = 400;
const CONTENT = 'x'.repeat(10_000);

test('a log whose file may not grow keeps its clients waiting, answers pings, and goes on when it may', async (t) => {
  const dataDir = temporary(t);
  const gateway = await startGateway(t, { config: CONFIG, dataDir });
  await gateway.ready();
  const bystander = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
  limitFiles(gateway, '1000000');
  const client = await sendAll(t, gateway);
  const reason = await unready(gateway);
  assert.match(
    reason,
    /no space left for the log in .*largest size that is allowed, and the next write needs about \d+ KiB/,
  );
  bystander.send('waits');
  for (let pings = 0; pings < 3; pings += 1) await answersPing(bystander);
  assert.equal(bystander.of('ACK').length, 0);
  limitFiles(gateway, 'unlimited');
  await allAcked(client, gateway);
  await bystander.until(() => bystander.of('ACK').length === 1);
  assert.equal(await gateway.stop(), 0);
  assertLogLines(gateway);
  assert.equal(await countRecords(dataDir, 'in'), MESSAGES + 1);
});

test('a log that gets no space until it has to stop answers that the rest should be sent again', async (t) => {
  const dataDir = temporary(t);
  const gateway = await startGateway(t, { config: CONFIG, dataDir });
  await gateway.ready();
  limitFiles(gateway, '1000000');
  const client = await sendAll(t, gateway);
  await unready(gateway);
  assert.equal(await gateway.stop(), 1);
  assertLogLines(gateway);
  assert.ok(client.of('ERROR').length > 0);
  assert.ok(client.of('ERROR').every(({ retryable }) => retryable === true));
  assert.equal(await countRecords(dataDir, 'in'), client.of('ACK').length);
});

test('a disk that is full: nothing acked is lost, and the gateway goes on once there is space', async (t) => {
  const disk = mountDisk(t);
  if (disk === undefined) return;
  const dataDir = join(disk, 'data');
  mkdirSync(dataDir);
  const gateway = await startGateway(t, { config: CONFIG, dataDir });
  await gateway.ready();
  const free = fill(disk, 2_000_000);
  const client = await sendAll(t, gateway);
  assert.match(
    await unready(gateway),
    /no space left on device: \d+ KiB are free and the next write needs about \d+ KiB/,
  );
  const health = await gateway.get('/health');
  assert.equal(health.status, 200, 'a restart would help nothing');
  await assert.rejects(TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`), /503/);
  free();
  await allAcked(client, gateway);
  assert.equal(await gateway.stop(), 0);
  assertLogLines(gateway);
  assert.equal(await countRecords(dataDir, 'in'), MESSAGES);
});

test('at the start a full disk refuses a new log with what is missing, and lets an old one be read', async (t) => {
  const disk = mountDisk(t);
  if (disk === undefined) return;
  const dataDir = join(disk, 'old');
  mkdirSync(dataDir);
  mkdirSync(join(disk, 'new'));
  const first = await startGateway(t, { config: CONFIG, dataDir });
  await first.ready();
  assert.equal(await first.stop(), 0);
  fill(disk, 0);
  await assert.rejects(startGateway(t, { config: CONFIG, dataDir: join(disk, 'new') }), (error: Error) => {
    assert.match(error.message, /ended with 1/);
    assert.match(error.message, /no space left on device: 0 KiB are free and a new log needs 1024 KiB/);
    return true;
  });
  const second = await startGateway(t, { config: CONFIG, dataDir });
  await second.ready();
  assert.equal(await second.stop(), 0);
});

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-full-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Sets the size that the gateway's files may have: how much disk a test takes from it without being root. */
function limitFiles({ process }: GatewayProcess, bytes: string): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`]);
  assert.equal(status, 0, String(stderr));
}

/** A disk of 8 MiB; undefined, and the test is skipped, where this user may not mount one. */
function mountDisk(t: TestContext): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', directory]);
  if (status !== 0) {
    rmdirSync(directory);
    t.skip('a disk can only be mounted by root');
    return undefined;
  }
  t.after(() => {
    spawnSync('umount', ['-l', directory]);
    rmdirSync(directory);
  });
  return directory;
}

/** Takes the disk but for so many bytes; gives how to free it again. */
function fill(disk: string, left: number): () => void {
  const { bavail, bsize } = statfsSync(disk);
  const file = join(disk, 'other');
  writeFileSync(file, Buffer.alloc(Math.max(bavail * bsize - left, 0)));
  return () => rmSync(file);
}

async function sendAll(t: TestContext, gateway: GatewayProcess): Promise<TestClient> {
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
  t.after(() => client.ws.terminate());
  for (let id = 0; id < MESSAGES; id += 1) client.send(CONTENT, { id });
  return client;
}

/** Resolves with the reason that /ready gives. */
async function unready(gateway: GatewayProcess): Promise<string> {
  let body = '';
  const isUnready = async () => {
    const answer = await gateway.get('/ready');
    body = answer.body;
    return answer.status === 503;
  };
  await until(isUnready, 30_000, gateway.output);
  return body;
}

async function allAcked(client: TestClient, gateway: GatewayProcess): Promise<void> {
  await client.until(() => client.of('ACK').length === MESSAGES);
  assert.equal(client.of('ERROR').length, 0);
  await gateway.ready();
}

async function answersPing({ ws }: TestClient): Promise<void> {
  const answered = once(ws, 'pong');
  ws.ping();
  await answered;
}

/** Whatever collects the log reads JSON lines. */
function assertLogLines(gateway: GatewayProcess): void {
  const lines = gateway.output().trim().split('\n');
  const bare = lines.filter((line) => !line.startsWith('{'));
  assert.deepEqual(bare, []);
  const repeated = lines.filter((line) => line.includes('repeating it until it does'));
  assert.equal(repeated.length, 1, 'once, however often it is tried');
  assert.match(repeated[0] ?? '', /"code":"TG_DISK_FULL"/);
}
