import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Page } from 'playwright-core';
import { startGateway } from '../helpers/gateway-process.ts';
import { KafkaAdmin } from '../helpers/kafka-admin.ts';
import { TopicsClient } from '../helpers/topics-client.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';
import { requireChromium, visit } from './visitor.ts';

/** A browser puts by some hundred kilobytes for a page that is busy; these records are much more than that. */
const LARGE = { count: 2_000, bytes: 10_000 };
const PUT_BY = 1_000_000;

interface Stage {
  readonly kafka: KafkaAdmin;
  readonly port: number;
  /** A topic of one partition, whose name is that of its group too. */
  readonly topic: string;
  produce(from: number, count: number, bytes?: number): Promise<void>;
  /** A page that is subscribed, and every frame that it sent. */
  subscribe(): Promise<{ page: Page; sent: readonly string[] }>;
}

async function prepare(t: TestContext): Promise<Stage | undefined> {
  const service = await requireKafka(t);
  const browser = service === undefined ? undefined : await requireChromium(t);
  if (service === undefined || browser === undefined) return undefined;
  const env = { KAFKA_BROKERS: service.brokers };
  const gateway = await startGateway(t, { config: 'test/fixtures/topics.yaml', env });
  const kafka = await KafkaAdmin.connect(t, service.brokers);
  const topic = uniqueTopic('chromium');
  await kafka.create(topic);
  await gateway.ready();
  return {
    kafka,
    port: gateway.port,
    topic,
    produce: async (from, count, bytes = 10) => {
      const messages = Array.from({ length: count }, (_, index) => ({ value: `${from + index}`.padEnd(bytes, '.') }));
      await kafka.produce(topic, messages, 50);
    },
    subscribe: async () => {
      // Any page of the gateway's own will do: from elsewhere Chromium does not let a page reach this machine.
      const { page } = await visit(browser, `http://127.0.0.1:${gateway.port}/nothing`);
      const sent: string[] = [];
      page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => sent.push(String(payload))));
      await page.evaluate(SUBSCRIBE(gateway.port, topic));
      return { page, sent };
    },
  };
}

/** Resolves once the page is subscribed; what it gets is in `offsets`, from then on. */
const SUBSCRIBE = (port: number, topic: string) => `new Promise((resolve, reject) => {
  window.offsets = [];
  const socket = new WebSocket('ws://127.0.0.1:${port}/open');
  const p = { t: ${JSON.stringify(topic)}, consumer_group: ${JSON.stringify(topic)}, from: 'earliest', detail: true };
  socket.onopen = () => socket.send(JSON.stringify({ id: 1, t: 'topic', a: 'subscribe', p }));
  socket.onclose = () => reject(new Error('closed'));
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    if (Array.isArray(frame)) for (const { offset } of frame) window.offsets.push(offset);
    else if (frame.s === 0) resolve();
    else reject(new Error(frame.p));
  };
})`;

/** Does nothing else for so long, and resolves with how many records the page saw until the end of it. */
const BLOCK = (milliseconds: number) => `new Promise((resolve) => {
  const end = Date.now() + ${milliseconds};
  while (Date.now() < end);
  resolve(window.offsets.length);
})`;

const sees = (page: Page, count: number) => page.waitForFunction(`window.offsets.length >= ${count}`);

test('a page that says nothing confirms what it gets: its browser answers the pings', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { kafka, topic } = stage;
  const { page, sent } = await stage.subscribe();
  await stage.produce(0, 100);
  await sees(page, 100);
  await kafka.commits(topic, topic, [100]);
  await stage.produce(100, 1);
  await sees(page, 101);
  await kafka.commits(topic, topic, [101]);
  assert.equal(sent.length, 1, 'the subscription, and nothing after it');
  assert.deepEqual(
    await page.evaluate('window.offsets'),
    Array.from({ length: 101 }, (_, offset) => offset),
  );
});

test('a browser confirms for a page whose script is busy, as long as it can put the records by', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { kafka, topic } = stage;
  const { page } = await stage.subscribe();
  let isBlocked = true;
  const blocked = (page.evaluate(BLOCK(8_000)) as Promise<number>).finally(() => {
    isBlocked = false;
  });
  await stage.produce(0, 100);
  await kafka.commits(topic, topic, [100], 7_000);
  assert.ok(isBlocked, 'the page is free again: this shows nothing');
  await stage.produce(100, LARGE.count, LARGE.bytes);
  assert.equal(await blocked, 0, 'the page has seen none of them');
  // It gets them all the same, in order, as soon as it looks.
  await sees(page, 100 + LARGE.count);
  await kafka.commits(topic, topic, [100 + LARGE.count]);
  assert.deepEqual(
    await page.evaluate('window.offsets'),
    Array.from({ length: 100 + LARGE.count }, (_, offset) => offset),
  );
});

test('unconfirmed records of a closed page go to another member, from the committed offset on', async (t) => {
  const stage = await prepare(t);
  if (stage === undefined) return;
  const { kafka, topic } = stage;
  const { page } = await stage.subscribe();
  await stage.produce(0, 10);
  await sees(page, 10);
  await kafka.commits(topic, topic, [10]);
  const blocked = page.evaluate(BLOCK(15_000)).catch(() => {});
  await stage.produce(10, LARGE.count, LARGE.bytes);
  const heir = await TopicsClient.open(stage.port, '/open');
  assert.equal((await heir.topic('subscribe', { t: topic, consumer_group: topic, detail: true })).s, 0);
  await page.context().close();
  await blocked;
  await heir.until(() => heir.records.at(-1)?.offset === 10 + LARGE.count - 1, 30_000);
  const [first] = heir.records;
  const from = first?.offset ?? -1;
  t.diagnostic(`the browser had confirmed ${from - 10} of ${LARGE.count} records that its page never saw`);
  assert.ok(from >= 10 && (from - 10) * LARGE.bytes <= PUT_BY, `the first that the other one gets is ${from}`);
  assert.deepEqual(
    heir.records.map(({ offset }) => offset),
    Array.from({ length: 10 + LARGE.count - from }, (_, index) => from + index),
  );
  await kafka.commits(topic, topic, [10 + LARGE.count]);
});
