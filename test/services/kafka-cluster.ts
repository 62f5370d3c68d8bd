import type { TestContext } from 'node:test';
import { freePort } from '../helpers/gateway-process.ts';
import { type KafkaService, startKafka } from './kafka.ts';
import { missingService } from './missing.ts';

/** Three brokers that keep three copies of everything: if one fails, everything continues. */
export interface KafkaCluster {
  /** All addresses: `host:port,host:port,host:port`. */
  readonly brokers: string;
  readonly nodes: readonly KafkaService[];
}

const NODES = [1, 2, 3];

/** Nodes are brokers and controllers at once, and only begin to answer together. Stopped after the test. */
export async function requireKafkaCluster(t: TestContext): Promise<KafkaCluster | undefined> {
  const ports = await Promise.all(NODES.map(freePort));
  const controllers = await Promise.all(NODES.map(freePort));
  const started = await Promise.allSettled(
    NODES.map((id, at) => {
      const properties = {
        'node.id': `${id}`,
        'controller.quorum.voters': NODES.map((voter, other) => `${voter}@127.0.0.1:${controllers[other]}`).join(),
        listeners: `PLAINTEXT://127.0.0.1:${ports[at]},CONTROLLER://127.0.0.1:${controllers[at]}`,
        'default.replication.factor': '3',
        'offsets.topic.replication.factor': '3',
        'min.insync.replicas': '2',
        // A killed broker is given up after nine seconds else.
        'broker.session.timeout.ms': '3000',
        'broker.heartbeat.interval.ms': '500',
      };
      const port = ports[at];
      return startKafka({ quick: true, properties, ...(port === undefined ? {} : { port }) });
    }),
  );
  const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  t.after(() => Promise.all(nodes.map((node) => node.stop())));
  const failure = started.find((one) => one.status === 'rejected');
  if (failure !== undefined) return missingService(t, 'Kafka', failure.reason);
  return { brokers: nodes.map(({ brokers }) => brokers).join(), nodes };
}
