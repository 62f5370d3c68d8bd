import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TestClient } from '../helpers/client.ts';
import { freePort, until } from '../helpers/gateway-process.ts';
import { createProject } from '../helpers/packed-project.ts';
import { missingService } from '../services/missing.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));

/** Runs what the README says for a start without a clone, in a folder that has the packed file and nothing else of Tidegate. */
async function startFromPackedFile(t: TestContext, folder: string): Promise<{ port: number } | undefined> {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const [, command] = /^(npx \.\/tidegate-\S+\.tgz run gateway\.yaml)$/m.exec(readme) ?? [];
  const [, yaml] = /^```yaml\n(.*?)^```/ms.exec(readme) ?? [];
  assert.ok(command !== undefined && yaml !== undefined);
  writeFileSync(join(folder, 'gateway.yaml'), yaml);
  // What npm has downloaded before is used again; what npx installs goes with the folder.
  const cache = execFileSync('npm', ['config', 'get', 'cache']).toString().trim();
  mkdirSync(join(folder, 'cache'));
  mkdirSync(join(cache, '_cacache'), { recursive: true });
  symlinkSync(join(cache, '_cacache'), join(folder, 'cache/_cacache'));
  const [port, adminPort] = [await freePort(), await freePort()];
  const child = spawn('sh', ['-c', command], {
    cwd: folder,
    detached: true,
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME, PORT: String(port), ADMIN_PORT: String(adminPort) },
      // `yes` is what a person answers when npx asks whether to install the file.
      ...{ npm_config_yes: 'true', npm_config_audit: 'false' },
      ...{ npm_config_cache: join(folder, 'cache'), npm_config_prefer_offline: 'true' },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = once(child, 'close');
  t.after(async () => {
    // npx, its shell and the gateway.
    if (child.exitCode === null) process.kill(-(child.pid as number), 'SIGKILL');
    await ended;
  });
  const isReady = async () =>
    (await fetch(`http://127.0.0.1:${adminPort}/ready`).catch(() => undefined))?.status === 200;
  await until(
    async () => child.exitCode !== null || (await isReady()),
    120_000,
    () => `the gateway is not ready:\n${output}`,
  );
  if (child.exitCode === null) return { port };
  assert.match(output, /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED/);
  return missingService(t, 'npm install', new Error(output));
}

suite('a folder with the packed file', () => {
  let folder = '';
  before(() => {
    folder = createProject();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('starts a gateway from the packed file by the line of the README, and its clients get an ACK', async (t) => {
    const gateway = await startFromPackedFile(t, folder);
    if (gateway === undefined) return;
    const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
    client.send('Hello', { id: 1 });
    await client.until(() => client.of('ACK').length === 1 && client.of('USER').length === 1);
    assert.equal(client.of('ACK')[0]?.outcome, 'stored');
  });
});
