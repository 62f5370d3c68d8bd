import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TestClient } from '../helpers/client.ts';
import { startGateway, until } from '../helpers/gateway-process.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));
const PYTHON = process.env.PYTHON ?? 'python3';

test('a plugin in one plain JavaScript file changes what all clients get', async (t) => {
  const gateway = await startGateway(t, { config: 'examples/plugin/gateway.yaml' });
  await gateway.ready();
  const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);

  client.send('the password is no SECRET, but secretary is a word');
  await client.until(() => client.of('USER').length === 1 && client.of('ACK').length === 1);

  assert.equal(client.of('USER')[0]?.content, 'the *** is no ***, but secretary is a word');
});

test('the JavaScript client talks, comes back after a restart, and sends what it could not send meanwhile', async (t) => {
  await talkThroughRestart(t, process.execPath, 'examples/clients/javascript/chat.mjs');
});

test('the Python client talks, comes back after a restart, and sends what it could not send meanwhile', async (t) => {
  const probe = spawnSync(PYTHON, ['-c', 'import websocket; websocket.WebSocketApp'], { encoding: 'utf8' });
  if (probe.status !== 0) {
    const missing = `${PYTHON} with the package websocket-client (pip install websocket-client; set PYTHON to choose another interpreter)`;
    assert.notEqual(process.env.CI, 'true', `missing: ${missing}`);
    console.error(`\nSKIPPED, the Python client is not tested: there is no ${missing}\n`);
    t.skip(`there is no ${missing}`);
    return;
  }
  await talkThroughRestart(t, PYTHON, 'examples/clients/python/chat.py');
});

async function talkThroughRestart(t: TestContext, program: string, script: string): Promise<void> {
  const first = await startGateway(t);
  await first.ready();
  const url = `ws://127.0.0.1:${first.port}/ws`;
  const chat = new Chat(t, program, [join(ROOT, script), url]);
  const other = await TestClient.open(url);

  // Talks: acknowledged, and received by all.
  await chat.says(/\[connected as [0-9a-f-]{36}\]/);
  chat.type('first words');
  await chat.says(/^\[in the log\] first words$/m);
  await chat.says(/^first words$/m);
  await other.until(() => other.of('USER').some(({ content }) => content === 'first words'));

  // Comes back, and what was typed meanwhile goes out.
  assert.equal(await first.stop(), 0);
  await chat.says(/\[connection lost \(1012\), trying again in \d+ ms\]/);
  chat.type('while no one listened');
  const second = await startGateway(t, { port: first.port, dataDir: first.dataDir });
  await second.ready();
  await chat.says(/^\[in the log\] while no one listened$/m);
  chat.type('and after that');
  await chat.says(/^and after that$/m);

  // An end of input leaves in peace.
  chat.end();
  assert.equal(await chat.exitCode(), 0);
}

/** One of the example's command line programs. */
class Chat {
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;
  private output = '';

  constructor(t: TestContext, program: string, args: string[]) {
    this.child = spawn(program, args, { stdio: 'pipe', env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } });
    this.exited = once(this.child, 'exit');
    const collect = (chunk: Buffer) => {
      this.output += chunk;
    };
    this.child.stdout?.on('data', collect);
    this.child.stderr?.on('data', collect);
    t.after(async () => {
      this.child.kill('SIGKILL');
      await this.exited;
    });
  }

  type(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  end(): void {
    this.child.stdin?.end();
  }

  async says(pattern: RegExp): Promise<void> {
    await until(
      () => pattern.test(this.output),
      30_000,
      () => `the client did not say ${pattern}:\n${this.output}`,
    );
  }

  async exitCode(): Promise<number | null> {
    await this.exited;
    return this.child.exitCode;
  }
}
