import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway, until } from '../helpers/gateway-process.ts';
import { printedCeiling, residentBytes } from '../helpers/process-memory.ts';

const CONFIG = 'test/fixtures/latest.yaml';
const SYMBOLS = 100;
const SENT = 60_000;
const SLOW_CLIENTS = 4;
/** Messages that the client that keeps up may be behind. */
const AHEAD = 100;
/** Makes prices larger than what the network takes of a client that does not read. */
const PADDING = 'x'.repeat(1_000);

/** What a client has got: of each symbol the prices in their order, and how many it missed as the gateway says. */
interface Seen {
  count: number;
  missed: number;
  readonly newest: Map<string, number>;
  readonly outOfOrder: string[];
}

function watch(client: TestClient): Seen {
  const seen: Seen = { count: 0, missed: 0, newest: new Map(), outOfOrder: [] };
  client.ws.on('message', (data) => {
    client.frames.length = 0;
    const frame = JSON.parse(String(data)) as { type?: string; count: number; symbol: string; price: number };
    if (frame.type === 'dropped') {
      seen.missed += frame.count;
      return;
    }
    seen.count += 1;
    const { symbol, price } = frame;
    if (price <= (seen.newest.get(symbol) ?? 0)) seen.outOfOrder.push(`${symbol} ${price}`);
    seen.newest.set(symbol, price);
  });
  return seen;
}

test('clients that read 1 % of the pace get the newest of each symbol, and know how many they missed', async (t) => {
  const [gateway, ceiling] = await Promise.all([startGateway(t, { config: CONFIG }), printedCeiling(CONFIG, {})]);
  await gateway.ready();
  const open = async (path: string) => {
    const client = await TestClient.open(`ws://127.0.0.1:${gateway.port}${path}`);
    t.after(() => client.ws.terminate());
    return client;
  };
  const publisher = await open('/in');
  const fast = watch(await open('/out'));
  const slowClients = await Promise.all(Array.from({ length: SLOW_CLIENTS }, () => open('/out')));
  const slow = slowClients.map((client) => ({ client, seen: watch(client) }));
  const pace = () => {
    for (const { client, seen } of slow)
      if (seen.count > fast.count / 100) client.ws.pause();
      else client.ws.resume();
  };
  for (let price = 1; price <= SENT; price += 1) {
    const text = JSON.stringify({ symbol: `S${price % SYMBOLS}`, price, padding: PADDING });
    await new Promise((resolve) => publisher.ws.send(text, resolve));
    if (price % 100 === 0) pace();
    // A machine with much else to do may let the client that keeps up wait.
    while (price - fast.count - fast.missed > AHEAD) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await until(
    () => {
      pace();
      return fast.count + fast.missed === SENT;
    },
    60_000,
    () => `the client that keeps up has ${fast.count} of ${SENT}, and missed ${fast.missed}`,
  );
  const early = slow.map(({ seen }) => seen.count);
  for (const { client } of slow) client.ws.resume();
  await until(
    () => slow.every(({ seen }) => seen.count + seen.missed === SENT),
    60_000,
    () => JSON.stringify(slow.map(({ seen: { count, missed } }) => ({ count, missed }))),
  );

  // A machine with much else to do may let it wait for a moment.
  assert.ok(fast.missed < SENT / 20, `the client that keeps up has missed ${fast.missed}`);
  const newest = Array.from({ length: SYMBOLS }, (_, at) => [`S${at}`, at === 0 ? SENT : SENT - SYMBOLS + at]);
  for (const [at, { client, seen }] of slow.entries()) {
    assert.ok((early[at] ?? 0) < SENT / 8, `it had read ${early[at]} while they came`);
    assert.ok(seen.missed > SENT / 2, `it missed ${seen.missed} only`);
    assert.deepEqual(Object.fromEntries(seen.newest), Object.fromEntries(newest));
    assert.deepEqual(seen.outOfOrder, []);
    assert.equal(client.closed, undefined);
  }
  const { body } = await gateway.get('/metrics');
  const dropped = (reason: string) =>
    Number(new RegExp(`tidegate_frames_dropped_total\\{endpoint="out",reason="${reason}"\\} (\\d+)`).exec(body)?.[1]);
  const missed = slow.reduce((sum, { seen }) => sum + seen.missed, 0);
  assert.deepEqual([dropped('superseded'), dropped('slow'), dropped('closed')], [missed + fast.missed, 0, 0]);
  assert.match(body, /tidegate_memory_held_bytes\{kind="clients"\} 0$/m);
  const most = residentBytes(gateway.process.pid, 'VmHWM');
  assert.ok(most < ceiling, `${most} bytes were resident, the ceiling is ${ceiling}`);
  assert.equal(await gateway.stop(), 0);
});
