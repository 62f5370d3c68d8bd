import type { TestContext } from 'node:test';
import { requireKafka } from '../services/kafka.ts';
import { requireNginx } from '../services/nginx.ts';
import { Crowd } from './crowd.ts';
import { Fleet } from './fleet.ts';
import { uniqueTopic } from './unique-topic.ts';

/** Three gateways on a real Kafka behind a real nginx, and their clients, which say nothing yet; undefined where one of the two is missing. */
export async function fleetBehindNginx(t: TestContext, { clients, jitter }: { clients: number; jitter: number }) {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return undefined;
  const topic = uniqueTopic('upgrades');
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: topic, JITTER: `${jitter}ms` };
  const fleet = new Fleet(t, { config: 'test/fixtures/rolling-restart.yaml', env });
  await Promise.all([fleet.start(), fleet.start(), fleet.start()]);
  const nginx = await requireNginx(t, { gateways: fleet.ports });
  if (nginx === undefined) return undefined;
  const crowd = new Crowd(`ws://127.0.0.1:${nginx.port}/ws`);
  t.after(() => crowd.leave());
  await crowd.grow(clients);
  return { kafka, topic, fleet, nginx, crowd };
}
