import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { createGateway, type Gateway } from '../../src/index.ts';
import { TestClient } from './client.ts';

export interface PriceGatewayOptions {
  /** The section `log` of the configuration. */
  readonly log: string;
  readonly topic: string;
  readonly partitions?: number;
  readonly config?: string;
  readonly channels?: string;
  readonly processors?: string;
  /** The whole configuration, in place of all others. */
  readonly text?: string;
}

type Json = Readonly<Record<string, unknown>>;

/** A gateway that sends prices to the channels of their symbols, and takes them from clients. */
export async function startPrices(
  t: TestContext,
  options: PriceGatewayOptions,
): Promise<{ gateway: Gateway; url: string }> {
  const gateway = await createGateway({ config: options.text ?? pricesConfig(options), logger: 'silent' });
  t.after(() => gateway.stop());
  await gateway.start();
  await gateway.ready();
  return { gateway, url: `ws://127.0.0.1:${gateway.inspect().listeners[0]?.port}` };
}

/** The configuration of that gateway. */
export function pricesConfig({
  log,
  topic,
  partitions = 3,
  config = '{}',
  channels = '{ history: { last: 5 }, recover: {} }',
  processors = '[]',
}: PriceGatewayOptions): string {
  return `
log: { ${log}, topics: { ${topic}: { partitions: ${partitions}, config: ${config} } } }
admin: { enabled: false }
shutdown: { jitter: 0s }
listeners: { public: { port: 0 } }
endpoints:
  prices: { listener: public, path: /prices, codec: json, direction: out, channels: ${channels}, allow: { subscribe: "symbol.*" } }
  input: { listener: public, path: /input, codec: { json: { answers: true } } }
pipelines:
  prices-out:
    source: { topic: { names: [ ${topic} ] } }
    processors: ${processors}
    sink: { endpoint: { name: prices, channel: "symbol.\${! key }" } }
  prices-in:
    source: { endpoint: input }
    sink: { topic: { name: ${topic}, key: "\${! json.symbol }" } }
`;
}

export async function temporaryLog(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'tidegate-log-prices-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return `driver: embedded, embedded: { path: "${directory}" }`;
}

/** Stores prices of the symbols in turn, numbered from `from` on, and waits until the log has them. */
export async function publishPrices(url: string, symbols: readonly string[], from: number, count: number) {
  const client = await TestClient.open(`${url}/input`);
  for (let n = from; n < from + count; n += 1)
    client.ws.send(JSON.stringify({ symbol: symbols[n % symbols.length], n }));
  await client.until(() => client.frames.length === count);
  client.ws.terminate();
}

/** A client of prices, and what it got. */
export class PriceClient {
  readonly client: TestClient;

  constructor(client: TestClient) {
    this.client = client;
  }

  static async open(t: TestContext, url: string): Promise<PriceClient> {
    const client = await TestClient.open(`${url}/prices`);
    t.after(() => client.ws.terminate());
    return new PriceClient(client);
  }

  get frames(): Json[] {
    return this.client.frames.map((frame) => JSON.parse(frame.toString()) as Json);
  }

  /** Numbers of the prices. */
  get numbers(): number[] {
    return this.frames.flatMap(({ type, data }) => (type === 'message' ? [(data as { n: number }).n] : []));
  }

  /** Of the newest record, or of the answer to `subscribe`. */
  get position(): string | undefined {
    return this.frames.findLast(({ position }) => position !== undefined)?.position as string | undefined;
  }

  /** The answer. */
  async subscribe(channel: string, since?: string): Promise<Json> {
    const isAnswer = ({ type, channel: of }: Json) => (type === 'subscribed' || type === 'error') && of === channel;
    this.client.ws.send(JSON.stringify({ type: 'subscribe', channel, since }));
    await this.client.until(() => this.frames.some(isAnswer));
    return this.frames.find(isAnswer) as Json;
  }

  until(condition: () => boolean): Promise<void> {
    return this.client.until(condition);
  }
}
