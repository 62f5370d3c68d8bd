import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';

/** Milliseconds that each attack goes on. */
const DURATION = 20_000;
/** Connections that an attacker holds: more than the process may have files. */
const HELD = 450;

const HANDSHAKE = [
  'Host: a',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n');

/** Keeps so many connections open that say `words` and then nothing. One that the server ends is closed after `patience` milliseconds, and made again. */
function attack(t: TestContext, port: number, words: string, patience: number) {
  const sockets = new Set<Socket>();
  let made = 0;
  let isOver = false;
  const open = () => {
    made += 1;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.add(socket);
    socket.on('error', () => {}).on('connect', () => socket.write(words));
    socket.resume().on('end', () => setTimeout(() => socket.destroy(), patience).unref());
    socket.on('close', () => {
      sockets.delete(socket);
      // Not at once: that would measure how fast this machine makes connections.
      if (!isOver) setTimeout(open, 50).unref();
    });
  };
  for (let count = 0; count < HELD; count++) open();
  const end = () => {
    isOver = true;
    for (const socket of sockets) socket.destroy();
  };
  t.after(end);
  return { end, made: () => made };
}

function filesOf({ process }: GatewayProcess): number {
  return readdirSync(`/proc/${process.pid}/fd`).length;
}

/** Asks and comes in again and again; resolves with the longest that each took, in milliseconds. */
async function serve(gateway: GatewayProcess): Promise<{ health: number; client: number; rounds: number }> {
  const longest = { health: 0, client: 0, rounds: 0 };
  for (const end = Date.now() + DURATION; Date.now() < end; longest.rounds++) {
    const asked = performance.now();
    assert.equal((await gateway.get('/health')).status, 200);
    longest.health = Math.max(longest.health, performance.now() - asked);
    const came = performance.now();
    const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}/ws`);
    client.send('hello', { id: 1 });
    await client.until(() => client.of('ACK').length === 1, 20_000);
    longest.client = Math.max(longest.client, performance.now() - came);
    await client.close();
  }
  return longest;
}

const ATTACKS = new Map([
  ['send nothing', ''],
  ['send half a handshake', 'GET /ws HTTP/1.1\r\nHost: a\r\nX: '],
  ['send half a body', 'POST /ws HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx'],
  ['are refused and never close', `GET /none HTTP/1.1\r\n${HANDSHAKE}`],
]);

for (const [what, words] of ATTACKS)
  test(`${HELD} connections that ${what} shut no client out with 400 files, and are gone afterwards`, async (t) => {
    const gateway = await startGateway(t, { openFiles: 400 });
    await gateway.ready();
    const before = filesOf(gateway);
    // A refused client that stays half open for longer than the server lets it.
    const attacker = attack(t, gateway.port, words, words.includes('/none') ? 4_000 : 0);
    const { health, client, rounds } = await serve(gateway);
    const during = filesOf(gateway);
    t.diagnostic(
      `${attacker.made()} connections; files ${before} before, ${during} during; ${rounds} rounds, longest: /health ${health.toFixed()} ms, handshake and ACK ${client.toFixed()} ms`,
    );
    assert.ok(during < 400);
    attacker.end();
    await until(
      () => filesOf(gateway) <= before + 5,
      20_000,
      () => `${filesOf(gateway)} files are open, and ${before} were`,
    );
  });

test('connections that send nothing are gone by themselves after 10 s', async (t) => {
  const gateway = await startGateway(t, { openFiles: 400 });
  await gateway.ready();
  const idle = connect(gateway.port, '127.0.0.1').on('error', () => {});
  const began = Date.now();
  await once(idle.resume(), 'close');
  const seconds = (Date.now() - began) / 1_000;
  t.diagnostic(`closed after ${seconds} s`);
  assert.ok(seconds >= 9);
});
