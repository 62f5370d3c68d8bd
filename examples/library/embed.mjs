/*
 * A shop with an HTTP server of its own. Tidegate takes the WebSockets at /orders/{branch}: what clients send lands in the
 * topic `orders`, the shop keeps the takings of each branch, and every client sees them grow.
 *
 *   node examples/library/embed.mjs
 *
 * It runs on the log in memory, plays a client itself, and ends. With KAFKA_BROKERS it runs on Kafka.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createGateway } from 'tidegate';
import { WebSocket } from 'ws';

const { KAFKA_BROKERS: brokers } = process.env;
const server = createServer((_request, response) => response.end('the page of the shop'));

const gateway = await createGateway({
  server,
  config: {
    log: {
      ...(brokers ? { driver: 'kafkajs', brokers } : { driver: 'embedded', embedded: { memory: true } }),
      topics: { orders: { partitions: 3 }, takings: { partitions: 1 } },
    },
    listeners: { shop: {} },
    endpoints: { orders: { listener: 'shop', path: '/orders/{branch}', codec: 'json' } },
    pipelines: {
      orders: { source: { endpoint: 'orders' }, sink: { topic: { name: 'orders', key: '${! meta.branch }' } } },
      takings: { source: { topic: { names: ['takings'] } }, sink: { endpoint: 'orders' } },
    },
    shutdown: { jitter: '0s' },
  },
});

gateway
  .on('ws-connection', ({ params }) => console.log(`a client of ${params.branch} came`))
  .on('ws-close', ({ params }, { code }) => console.log(`a client of ${params.branch} left (${code})`))
  .on('error', (error) => console.error(error.message));

/** @type {Map<string, number>} */
const takings = new Map();
gateway.topic('orders').records$.subscribe(({ key, value, partition, offset }) => {
  const branch = String(key);
  const { total } = JSON.parse(String(value));
  const sum = (takings.get(branch) ?? 0) + total;
  takings.set(branch, sum);
  console.log(`order of ${total} in ${branch} (${partition}/${offset})`);
  gateway
    .topic('takings')
    .publish({ key: branch, value: JSON.stringify({ branch, sum }) })
    .catch((error) => console.error(`not written: ${error.message}`));
});
/** @type {Promise<void>} */
const watching = new Promise((resolve) => {
  gateway.on('consumer-ready', ({ topics }) => topics.includes('orders') && resolve());
});

// The program opens its server, and closes it.
server.listen(Number(process.env.PORT ?? 0));
await once(server, 'listening');
await gateway.start();
await watching;

const { shop: port } = gateway.ports().listeners;
const page = await fetch(`http://localhost:${port}/`);
console.log(`GET / is still answered by the program: ${await page.text()}`);

const client = new WebSocket(`ws://localhost:${port}/orders/Delft`);
/** @type {Promise<void>} */
const served = new Promise((resolve) => {
  client.on('message', (frame) => {
    console.log(`< ${frame}`);
    if (JSON.parse(String(frame)).sum === 12) resolve();
  });
});
await once(client, 'open');
client.send('{"id":1,"total":5}');
client.send('{"id":2,"total":7}');
await served;

const { endpoints, pipelines } = gateway.inspect();
console.log(endpoints.map(({ name, connections }) => `${name}: ${connections} connected`).join(', '));
console.log(pipelines.map(({ name, state }) => `${name}: ${state}`).join(', '));

const { unsettled } = await gateway.stop();
console.log(`stopped, ${unsettled} messages given up`);
server.close();
