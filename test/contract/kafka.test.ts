import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { systemClock } from '../../src/core/clock.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import { createTopic, readAll } from '../../src/testing/contract/fixture.ts';
import { asBytes } from '../../src/testing/contract/header-forms.ts';
import { createKafkaLog } from '../../src/transports/kafka/index.ts';
import { requireKafka } from '../services/kafka.ts';
import { logContract } from './log-contract.ts';

const noop = () => undefined;
const logger: Logger = { debug: noop, info: noop, warn: noop, error: noop, child: () => logger };

/** The suites are registered only where there is a broker. */
let found: (kafka: { readonly brokers: string } | undefined) => void = noop;
const kafka = new Promise<{ readonly brokers: string } | undefined>((resolve) => {
  found = resolve;
});
test('a broker is there', async (t) => {
  let broker: { readonly brokers: string } | undefined;
  try {
    broker = await requireKafka(t);
  } finally {
    found(broker);
  }
});
const broker = await kafka;

if (broker !== undefined) {
  const open = async () => {
    const brokers = broker.brokers.split(',');
    const log = createKafkaLog({ brokers, client_id: 'contract', logger, stats: createStats(), clock: systemClock });
    await log.open();
    return log;
  };
  logContract('Kafka', async () => {
    let log = await open();
    return {
      log,
      reopen: async () => {
        await log.close();
        log = await open();
        return log;
      },
      dispose: () => log.close(),
    };
  });

  test('headers that kafkajs wrote, a list of values among them, are read in their order', async (t) => {
    const brokers = broker.brokers.split(',');
    const log = createKafkaLog({ brokers, client_id: 'contract', logger, stats: createStats(), clock: systemClock });
    await log.open();
    t.after(() => log.close());
    const topic = await createTopic(t, log);
    const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
    const headers = { retry: ['1', '2', '3'], plain: 'text', empty: '', bytes: Buffer.from([0, 255]) };
    await producer.send({ topic, messages: [{ value: 'x', headers }] });
    await producer.disconnect();
    const [read] = await readAll(t, log, topic);
    assert.deepEqual(
      read?.headers,
      asBytes([
        ['retry', '1'],
        ['retry', '2'],
        ['retry', '3'],
        ['plain', 'text'],
        ['empty', ''],
        ['bytes', Buffer.from([0, 255])],
      ]),
    );
  });
}
