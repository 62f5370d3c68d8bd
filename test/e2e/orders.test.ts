import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway } from '../helpers/gateway-process.ts';

const jsonOf = ({ frames }: TestClient) =>
  frames.map((frame) => JSON.parse(frame.toString()) as Record<string, unknown>);

test('config/examples/orders.yaml: orders are validated and masked, bad ones become dead letters', async (t) => {
  const gateway = await startGateway(t, { config: 'config/examples/orders.yaml' });
  await gateway.ready();
  const base = `ws://127.0.0.1:${gateway.port}`;
  const [shop, desk, warehouse] = await Promise.all(
    ['orders/books', 'rejected', 'items'].map((path) => TestClient.open(`${base}/${path}`)),
  );
  assert.ok(shop !== undefined && desk !== undefined && warehouse !== undefined);

  const customer = '"customer":{"email":"ada@example.org","card":"4111111111111234"}';
  shop.ws.send(
    `{"id":9007199254740993,${customer},"coupon":"free","items":[{"sku":"a","price":1.5},{"sku":"b","price":2}]}`,
  );
  shop.ws.send('{"id":"2","customer":{"email":"nowhere"},"items":[{"sku":"c","price":0}]}');
  shop.ws.send(`{"id":3,${customer},"items":[{"sku":"d","price":3}]}`);
  await shop.until(() => shop.frames.length === 3);
  assert.deepEqual(
    jsonOf(shop).map(({ type, outcome }) => [type, outcome]),
    [
      ['ack', 'stored'],
      ['ack', 'dead_letter'],
      ['ack', 'stored'],
    ],
  );

  // What was wrong is said with its place: in the processors, and in the order.
  await desk.until(() => desk.frames.length === 1);
  assert.deepEqual(jsonOf(desk), [
    {
      shop: 'books',
      where: 'processors[0].validate',
      why: 'the payload does not fit its schema: /id must be integer; /customer/email must match format "email"; /items/0/price must be > 0',
    },
  ]);

  // An order is taken apart, and its id keeps every digit.
  await warehouse.until(() => warehouse.frames.length === 3);
  assert.deepEqual(
    jsonOf(warehouse)
      .map(({ order, sku, price }) => `${order} ${sku} ${price}`)
      .sort(),
    ['3 d 3', '9007199254740993 a 1.5', '9007199254740993 b 2'],
  );

  const { body: metrics } = await gateway.get('/metrics');
  const value = (name: string, processor: string) =>
    metrics
      .split('\n')
      .find(
        (line) =>
          line.startsWith(`tidegate_processor_${name}_total{`) &&
          line.includes(`pipeline="orders-in"`) &&
          line.includes(`processor="${processor}"`),
      )
      ?.split(' ')
      .at(-1);
  assert.equal(value('received', 'processors[0].validate'), '3');
  assert.equal(value('failed', 'processors[0].validate'), '1');
  assert.equal(value('failed', 'processors[1].try[0].validate'), '1');
  assert.equal(value('received', 'processors[1].catch[0].fields'), '1');
  assert.equal(value('sent', 'processors[5].headers'), '2');
});
