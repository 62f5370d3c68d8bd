/*
 * A program that ran the WebSocket connector to Kafka (WSKafka) and moved over: its options and its events are the same.
 * Which of the options mean something else here, or nothing any more, is told by warnings and in docs/topic-protocol.md.
 *
 *   KAFKA_BROKERS=localhost:9092 node examples/library/from-s2.mjs
 *
 * Without KAFKA_BROKERS it runs on the log in memory. It plays a client itself, and ends.
 */
import { once } from 'node:events';
import { createGateway } from 'tidegate';
import { WebSocket } from 'ws';

const { KAFKA_BROKERS: brokers, PORT } = process.env;
const kafkaHost = brokers ?? 'localhost:9092';

// As it was.
const conf_module = {
  kafka_config: {
    kafkaHost,
    clientId: 'test-kafka-client-2',
    connectTimeout: 1000,
    requestTimeout: 60000,
    autoConnect: true,
    no_zookeeper_client: true,
  },
  websocket_config: { port: Number(PORT ?? 8085) },
  producer_config: {
    requireAcks: 1,
    ackTimeoutMs: 100,
    partitionerType: 2,
    mq_limit: 20000,
    mq_interval: 200,
  },
  consumer_config: {
    kafkaHost,
    groupId: 'kafka-node-group',
    autoCommit: true,
    autoCommitIntervalMs: 500,
    fetchMaxWaitMs: 100,
    paused: false,
    fromOffset: /** @type {const} */ ('latest'),
    outOfRangeOffset: 'earliest',
    sessionTimeout: 30000,
    protocol: ['roundrobin'],
    mq_limit: 5000,
    mq_interval: 50,
  },
};

// Was: const wsk = new WSKafka(conf_module);
const wsk = await createGateway({
  s2: conf_module,
  config: {
    ...(brokers ? {} : { log: { driver: 'embedded', embedded: { memory: true } } }),
    shutdown: { jitter: '0s' },
  },
});

wsk
  .on('ws-connection', (ws, req) => console.log(`ws-connection ${ws.endpoint} ${req.path}`))
  .on('ws-close', () => console.log('ws-close'))
  .on('wss-ready', () => console.log('wss-ready'))
  .on('producer-ready', () => console.log('producer-ready'))
  .on('producer-error', (e) => console.log(`producer-error ${e}`))
  .on('consumer-ready', ({ group }) => console.log(`consumer-ready ${group}`))
  .on('consumer-error', (e) => console.log(`consumer-error ${e}`))
  .on('consumer-message', ({ value }) => console.log(`consumer-message ${value}`))
  .on('error', (e) => console.log(`error ${e}`));

await wsk.start();

// A client, as S2's own are.
const ws = new WebSocket(`ws://localhost:${wsk.ports().listeners.topics}/`);
await once(ws, 'open');
ask({ id: 1, t: 'topic', a: 'create', p: ['greetings'] });
await answerTo(1);
ask({ id: 2, t: 'topic', a: 'subscribe', p: { t: ['greetings'] } });
await answerTo(2);
ask({ id: 3, t: 'notif', a: 'create', p: { t: 'greetings', m: 'hello' } });
const [frame] = await once(ws, 'message');
console.log(`< ${frame}`);

await wsk.stop();

/** @param {object} message */
function ask(message) {
  console.log(`> ${JSON.stringify(message)}`);
  ws.send(JSON.stringify(message));
}

/** @param {number} id */
async function answerTo(id) {
  for (;;) {
    const [frame] = await once(ws, 'message');
    console.log(`< ${frame}`);
    if (JSON.parse(String(frame)).refid === id) return;
  }
}
