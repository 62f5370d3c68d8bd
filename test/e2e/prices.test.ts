import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { countRecords } from '../helpers/embedded-content.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { startGateway, until } from '../helpers/gateway-process.ts';

const PRICES = 500;

test('config/examples/prices.yaml: screens get the newest price of a symbol, and the archive a few arrays', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'prices-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const feed = await FeedServer.start(t, { greet: () => {} });
  const env = { KAFKA_DRIVER: 'embedded', FEED_URL: feed.url, ARCHIVE_PERIOD: '1s' };
  const gateway = await startGateway(t, { config: 'config/examples/prices.yaml', dataDir, env });
  await gateway.ready();
  const screen = await TestClient.open(`ws://127.0.0.1:${gateway.port}/prices`);
  const shown = () => screen.frames.map((frame) => JSON.parse(frame.toString()) as { symbol: string; price: number });
  await until(
    () => feed.connections.length === 1,
    30_000,
    () => gateway.output(),
  );
  for (let n = 1; n <= PRICES; n += 1)
    for (const s of ['acme', 'ibm']) feed.connections[0]?.ws.send(JSON.stringify({ s, p: String(n), t: n }));

  const pricesOf = (symbol: string) => shown().flatMap((price) => (price.symbol === symbol ? [price.price] : []));
  await screen.until(() => ['ACME', 'IBM'].every((symbol) => pricesOf(symbol).at(-1) === PRICES));
  assert.ok(screen.frames.length < PRICES / 2, `${screen.frames.length} of ${PRICES * 2} prices were shown`);
  for (const symbol of ['ACME', 'IBM']) {
    const prices = pricesOf(symbol);
    assert.deepEqual(
      prices,
      [...prices].sort((one, other) => one - other),
    );
  }

  const sent = /tidegate_pipeline_received_total\{pipeline="archive"\} (\d+)\n/;
  await until(
    async () => sent.exec((await gateway.get('/metrics')).body)?.[1] === String(PRICES * 2),
    30_000,
    () => gateway.output(),
  );
  // One of them is there at least; what is still open when the gateway stops is read again by the next one.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  assert.equal(await gateway.stop(), 0);
  const arrays = await countRecords(dataDir, 'archive');
  assert.ok(arrays >= 2 && arrays < PRICES / 2, `${arrays} arrays`);
});
