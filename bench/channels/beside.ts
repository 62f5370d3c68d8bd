import { Kafka, logLevel, type Producer } from 'kafkajs';
import { startKafka } from '../../test/services/kafka.ts';
import { Child, modulePath } from '../child.ts';
import { cpuSeconds } from '../process-figures.ts';
import { Topics } from '../topics.ts';
import type { Cost } from './rig.ts';
import { type Around, type ChannelServer, startCentrifugo, startTidegate } from './servers.ts';
import { PAYLOAD, SHAPES, type Shape } from './shapes.ts';

/** Records that are sent before the clients are waited for. */
const AT_ONCE = 20_000;
/** Deliveries that are sent before the clients are waited for: their bytes wait for 10,000 clients at the same time. */
const DELIVERIES_AT_ONCE = 1_000_000;
const RECORDS_OF_A_REQUEST = 2_000;

export interface BesideCost extends Cost {
  readonly shape: string;
  readonly program: string;
}

interface Side {
  readonly program: string;
  readonly server: ChannelServer;
  readonly clients: Child;
  readonly topic: string;
}

/** Both programs carry the same records from the same Kafka to as many clients of the same protocol, in turn. */
export async function measureBeside(centrifugo: string, rounds: number): Promise<BesideCost[]> {
  const kafka = await startKafka();
  const topics = new Topics(kafka.brokers);
  const producer = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING }).producer();
  const found: BesideCost[] = [];
  try {
    await Promise.all([topics.open(), producer.connect()]);
    for (const shape of SHAPES) {
      const sides: Side[] = [];
      try {
        for (const [program, begin] of Object.entries({
          Tidegate: startTidegate,
          'Centrifugo 5.4': (around: Around) => startCentrifugo(centrifugo, around),
        })) {
          const topic = await topics.create('channels');
          sides.push(await sideOf(program, topic, await begin({ brokers: kafka.brokers, topic }), shape));
        }
        for (let round = 0; round <= rounds; round += 1)
          for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
            const cost = await costOf(side, shape, producer);
            if (round > 0) found.push({ ...cost, shape: shape.name, program: side.program });
          }
      } finally {
        await Promise.all(sides.flatMap(({ server, clients }) => [server.stop(), clients.stop('SIGKILL')]));
      }
    }
    return found;
  } finally {
    await Promise.all([topics.close(), producer.disconnect()]);
    await kafka.stop();
  }
}

async function sideOf(program: string, topic: string, server: ChannelServer, shape: Shape): Promise<Side> {
  const clients = new Child(modulePath('channels/centrifuge-client'));
  await clients.ready();
  await clients.ask('open', { port: server.port, count: shape.sockets });
  await clients.ask('subscribe', { prefix: 'c', channels: shape.channels, each: shape.each });
  return { program, server, clients, topic };
}

async function costOf({ server, clients, topic }: Side, shape: Shape, producer: Producer): Promise<Cost> {
  const listeners = (shape.sockets * shape.each) / shape.channels;
  const records = shape.deliveries / listeners;
  const step = Math.min(AT_ONCE, DELIVERIES_AT_ONCE / listeners);
  const messages = Array.from({ length: records }, (_, at) => server.record(`c.${at % shape.channels}`, PAYLOAD));
  await clients.ask('begin');
  const [cpu, from] = [cpuSeconds(server.pid), performance.now()];
  for (let sent = 0; sent < records; ) {
    const end = Math.min(records, sent + step);
    const arrived = clients.ask('until', end * listeners);
    for (; sent < end; sent = Math.min(end, sent + RECORDS_OF_A_REQUEST))
      await producer.send({
        topic,
        acks: 1,
        messages: messages.slice(sent, Math.min(end, sent + RECORDS_OF_A_REQUEST)),
      });
    await arrived;
  }
  const [used, took] = [cpuSeconds(server.pid) - cpu, performance.now() - from];
  return { cpu: (used * 1e6) / shape.deliveries, perSecond: (shape.deliveries * 1_000) / took };
}
