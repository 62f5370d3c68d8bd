import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ChatClient } from '../helpers/chat-client.ts';
import { freePort, type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';
import { RoomClient } from '../helpers/room-client.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { type KafkaService, requireOwnKafka } from '../services/kafka.ts';

const DURATION = Number(process.env.SOAK_SECONDS ?? 60) * 1_000;
const LEASE = 4_000;
const NAMES = ['Ann', 'Bob', 'Cem', 'Dee', 'Eve', 'Fay'];
const VISITORS = 12;
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const between = (low: number, high: number) => low + Math.random() * (high - low);
const oneOf = <T>(all: readonly T[]): T => all[Math.floor(Math.random() * all.length)] as T;

/*
 * One gateway is left alone, and its clients watch: two others are killed, stopped, frozen and
 * started again, and the broker freezes now and then, while visitors fight for a few names on all of them.
 */
test(`chaos in a room for ${DURATION / 1_000} s: one holder per name, no member lost, each message once`, {
  timeout: DURATION + 180_000,
}, async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const house = await House.open(t, kafka);
  const regulars = await Promise.all([1, 2, 3].map(() => RoomClient.join(house.roomAt(0))));
  const watcher = await ChatClient.join(house.port(0), 'Watcher');
  const end = Date.now() + DURATION;
  let said = 0;
  const talking = (async () => {
    for (; Date.now() < end; said += 1) {
      for (const regular of regulars) regular.send({ type: 'broadcast', message: said });
      await sleep(20);
    }
  })();
  const visiting = Array.from({ length: VISITORS }, () => visit(house, end));
  await house.turmoil(end);
  await talking;
  const visits = (await Promise.all(visiting)).reduce((sum, count) => sum + count, 0);
  await house.calm();

  for (const regular of regulars) {
    await regular.until(() => regular.of('kafka').length >= said * regulars.length, 60_000);
    for (const { id } of regulars) {
      const heard = regular.of('kafka').filter(({ from }) => from === id);
      assert.deepEqual(
        heard.map(({ message }) => message),
        Array.from({ length: said }, (_, n) => n),
      );
    }
    assert.equal(regular.closed, undefined);
  }
  const isPresent = (name: string) =>
    watcher.lines.findLast((line) => line.startsWith(`${name} `))?.includes('connected');
  await watcher.until(() => !NAMES.some(isPresent), 3 * LEASE);
  for (const name of NAMES) {
    const lines = watcher.lines.filter((line) => line.startsWith(`${name} `));
    assert.ok(
      lines.every((line, at) => line === `${name} ${at % 2 === 0 ? 'connected to' : 'left the'} chat`),
      `${name} has two bearers: ${lines}`,
    );
    const twins = await Promise.all([0, 1, 2].map((at) => ChatClient.join(house.port(at), name)));
    assert.equal(twins.filter(({ isIn }) => isIn).length, 1);
  }
  const newcomers = await Promise.all([0, 1, 2].map((at) => RoomClient.join(house.roomAt(at))));
  const everyone = [...regulars, ...newcomers];
  for (const client of everyone) await client.knows(everyone.map(({ id }) => id));
  t.diagnostic(`${house.events.join(', ')}; ${visits} visits, ${said * regulars.length} messages`);
});

/** Joins under names that others want, too, and leaves again, one way or another. Gives how often it was let in. */
async function visit(house: House, end: number): Promise<number> {
  let times = 0;
  while (Date.now() < end) {
    try {
      const visitor = await ChatClient.join(house.port(oneOf([0, 1, 2])), oneOf(NAMES), { handshakeTimeout: 3_000 });
      if (!visitor.isIn) continue;
      times += 1;
      visitor.say('here I am');
      await sleep(between(10, 1_500));
      if (Math.random() < 0.5) visitor.client.ws.terminate();
      else visitor.client.ws.close();
    } catch {
      // Its gateway is away or frozen.
      await sleep(100);
    }
  }
  return times;
}

/** Three gateways on their ports, and a broker. */
class House {
  readonly events: string[] = [];
  private readonly t: TestContext;
  private readonly kafka: KafkaService;
  private readonly ports: readonly number[];
  private readonly env: Readonly<Record<string, string>>;
  private readonly gateways: GatewayProcess[] = [];

  private constructor(t: TestContext, kafka: KafkaService, ports: readonly number[]) {
    this.t = t;
    this.kafka = kafka;
    this.ports = ports;
    this.env = { KAFKA_BROKERS: kafka.brokers, TOPIC: uniqueTopic('chaos'), LEASE: `${LEASE}ms` };
  }

  static async open(t: TestContext, kafka: KafkaService): Promise<House> {
    const house = new House(t, kafka, [await freePort(), await freePort(), await freePort()]);
    for (const at of [0, 1, 2]) await house.start(at);
    await house.calm();
    return house;
  }

  port(at: number): number {
    return this.ports[at] as number;
  }

  roomAt(at: number): string {
    return `ws://127.0.0.1:${this.port(at)}/ws`;
  }

  async turmoil(end: number): Promise<void> {
    while (Date.now() < end) {
      const at = oneOf([1, 2]);
      const event = oneOf(['SIGKILL', 'SIGKILL', 'SIGTERM', 'SIGSTOP', 'SIGSTOP', 'broker'] as const);
      this.events.push(event);
      if (event === 'broker') {
        this.kafka.pause();
        await sleep(between(1_000, 2 * LEASE));
        this.kafka.resume();
      } else if (event === 'SIGSTOP') {
        this.gateway(at).process.kill('SIGSTOP');
        await sleep(between(1_000, 3 * LEASE));
        this.gateway(at).process.kill('SIGCONT');
      } else {
        await this.gateway(at).stop(event);
        await sleep(between(0, 2 * LEASE));
        await this.start(at);
      }
      await sleep(between(500, 4_000));
    }
  }

  /** Every gateway is in the room. */
  async calm(): Promise<void> {
    for (const gateway of this.gateways) await gateway.ready();
  }

  private gateway(at: number): GatewayProcess {
    return this.gateways[at] as GatewayProcess;
  }

  private async start(at: number): Promise<void> {
    const config = 'test/fixtures/members.yaml';
    this.gateways[at] = await startGateway(this.t, { config, env: this.env, port: this.port(at) });
  }
}
