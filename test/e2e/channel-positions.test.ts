import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ChannelPosition, parsePosition, positionText } from '../../src/core/channel-position.ts';
import { partitionOfKey } from '../../src/core/partitioner.ts';
import { createGateway } from '../../src/index.ts';
import { TestClient } from '../helpers/client.ts';
import { PriceClient, publishPrices, startPrices, temporaryLog } from '../helpers/price-gateway.ts';

const SYMBOLS = Array.from({ length: 10 }, (_, at) => `S${at}`);
const PARTITIONS = 3;

/** What a client hears that shows a position which is nearly the one that it has, and the record that comes then. */
async function shows(t: TestContext, url: string, change: (position: ChannelPosition) => string, n: number) {
  const before = await PriceClient.open(t, url);
  const { position } = await before.subscribe('symbol.S3');
  const at = parsePosition(String(position)) ?? assert.fail(String(position));
  const client = await PriceClient.open(t, url);
  const answer = await client.subscribe('symbol.S3', change(at));
  await publishPrices(url, SYMBOLS, n, 10);
  await client.until(() => client.numbers.length === 1);
  assert.deepEqual(client.numbers, [n + 3]);
  return [answer.recovered, answer.position === position];
}

test('a position of another epoch or partition, or of the future, is not recovered, and live records come', async (t) => {
  const { url } = await startPrices(t, { log: await temporaryLog(t), topic: 'prices', partitions: PARTITIONS });
  await publishPrices(url, SYMBOLS, 0, 100);
  const wrong: readonly ((position: ChannelPosition) => string)[] = [
    (at) => positionText({ ...at, epoch: 'another' }),
    (at) => positionText({ ...at, partition: (at.partition + 1) % PARTITIONS }),
    (at) => positionText({ ...at, partition: 1_000 }),
    (at) => positionText({ ...at, offset: at.offset + 1_000 }),
    () => 'nonsense',
    () => '',
  ];
  for (const [at, change] of wrong.entries())
    assert.deepEqual(await shows(t, url, change, 100 + at * 10), [false, true], String(at));
});

interface Said {
  readonly type: string;
  readonly channel: string;
  readonly position?: string;
  readonly recovered?: boolean;
  readonly data?: { readonly n: number };
}

const said = ({ frames }: TestClient) => frames.map((frame) => JSON.parse(frame.toString()) as Said);

test('a handshake shows positions of several partitions; channels of others are not recovered', async (t) => {
  const gateway = await createGateway({
    config: `
log: { driver: embedded, embedded: { memory: true }, topics: { prices: { partitions: ${PARTITIONS} } } }
admin: { enabled: false }
listeners: { public: { port: 0 } }
endpoints:
  prices:
    listener: public
    path: /prices
    codec: json
    direction: out
    channels: { join: [ ${SYMBOLS.map((symbol) => `symbol.${symbol}`).join(', ')} ], history: { last: 1 }, recover: {} }
pipelines:
  prices-out:
    source: { topic: { names: [ prices ] } }
    sink: { endpoint: { name: prices, channel: "symbol.\${! key }" } }
`,
    logger: 'silent',
  });
  t.after(() => gateway.stop());
  await gateway.start();
  await gateway.ready();
  const url = `ws://127.0.0.1:${gateway.inspect().listeners[0]?.port}/prices`;
  const publish = async (from: number, to: number) => {
    for (let n = from; n < to; n += 1)
      await gateway
        .topic('prices')
        .publish({ key: SYMBOLS[n % SYMBOLS.length] as string, value: JSON.stringify({ n }) });
  };
  const comesIn = async (since: readonly string[]) => {
    const query = since.map((position) => `since=${position}`).join('&');
    const client = await TestClient.open(`${url}?${query}`);
    t.after(() => client.ws.terminate());
    await client.until(() => said(client).filter(({ type }) => type === 'subscribed').length === SYMBOLS.length);
    return client;
  };
  const before = await comesIn([]);
  const partitionOf = (channel: string) => partitionOfKey(channel.slice('symbol.'.length), PARTITIONS);
  await publish(0, 30);
  await before.until(() => said(before).filter(({ type }) => type === 'message').length === 30);
  const newest = new Map(said(before).map(({ channel, position = '' }) => [partitionOf(channel), position]));
  assert.equal(newest.size, PARTITIONS);
  before.ws.terminate();
  await publish(30, 90);
  const after = await comesIn([newest.get(2) ?? '', 'another.1.5', newest.get(0) ?? '']);
  await publish(90, 100);
  await after.until(() => said(after).some(({ data }) => data?.n === 99));
  for (const [at, symbol] of SYMBOLS.entries()) {
    const channel = `symbol.${symbol}`;
    const own = said(after).filter((frame) => frame.channel === channel);
    const numbers = own.flatMap(({ data }) => data?.n ?? []);
    const isRecovered = partitionOf(channel) !== 1;
    assert.equal(own[0]?.recovered, isRecovered, channel);
    const missed = Array.from({ length: 7 }, (_, n) => 30 + n * 10 + at);
    assert.deepEqual(numbers, isRecovered ? missed : missed.slice(-2), channel);
  }
});
