import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { freePort } from '../helpers/gateway-process.ts';
import { type KafkaOptions, type KafkaService, requireOwnKafka } from './kafka.ts';

/** Kafka's API keys that tests ask for. https://kafka.apache.org/protocol#protocol_api_keys */
export const API = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  offsetCommit: 8,
  joinGroup: 11,
  heartbeat: 12,
  endTxn: 26,
  txnOffsetCommit: 28,
} as const;

/** Decides about an answer of the broker: true cuts the connection in its place, after the broker has applied the request. */
export type CutAnswer = (apiKey: number) => boolean;

/** A TCP proxy in front of one broker that knows where Kafka's messages begin and end. */
export class FaultProxy {
  readonly port: number;
  /** Requests seen, by API key. */
  readonly requests = new Map<number, number>();
  /** Answers that were swallowed. */
  cuts = 0;
  cutAnswer: CutAnswer = () => false;
  private readonly server: Server;
  private readonly target: number;
  private readonly sockets = new Set<Socket>();
  private isRefusing = false;

  private constructor(port: number, target: number) {
    this.port = port;
    this.target = target;
    this.server = createServer((client) => this.accept(client));
  }

  static async start(port: number, target: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(port, target);
    proxy.server.listen(port, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get connections(): number {
    return this.sockets.size / 2;
  }

  /** Cuts all connections and lets no new one through until `restore`. */
  refuse(): void {
    this.isRefusing = true;
    this.cutAll();
  }

  restore(): void {
    this.isRefusing = false;
  }

  cutAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.server.close();
    this.cutAll();
    await once(this.server, 'close');
  }

  private accept(client: Socket): void {
    if (this.isRefusing) {
      client.destroy();
      return;
    }
    const broker = connect({ port: this.target, host: '127.0.0.1', noDelay: true });
    client.setNoDelay(true);
    const end = () => {
      for (const socket of [client, broker]) {
        socket.destroy();
        this.sockets.delete(socket);
      }
    };
    for (const socket of [client, broker]) {
      this.sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    // A broker answers the requests of a connection in order, so a list is enough to know what an answer is for.
    const asked: number[] = [];
    eachMessage(client, (message) => {
      const apiKey = message.readInt16BE(4);
      this.requests.set(apiKey, (this.requests.get(apiKey) ?? 0) + 1);
      asked.push(apiKey);
      broker.write(message);
    });
    eachMessage(broker, (message) => {
      const apiKey = asked.shift() ?? -1;
      if (!this.cutAnswer(apiKey)) {
        client.write(message);
        return;
      }
      this.cuts += 1;
      end();
    });
  }
}

/** A broker that its clients only reach through the proxy, both for one test alone. */
export async function requireKafkaBehindProxy(
  t: TestContext,
  options: KafkaOptions = {},
): Promise<{ kafka: KafkaService; proxy: FaultProxy } | undefined> {
  const proxyPort = await freePort();
  const kafka = await requireOwnKafka(t, { ...options, advertised: `127.0.0.1:${proxyPort}` });
  if (kafka === undefined) return undefined;
  const proxy = await FaultProxy.start(proxyPort, kafka.port);
  t.after(() => proxy.stop());
  return { kafka, proxy };
}

/** Cuts that part of the answers to Produce requests, by a generator with a seed: the same run again cuts the same ones. */
export function cutProduceAnswers(part: number, seed: number): CutAnswer {
  let state = seed >>> 0;
  return (apiKey) => {
    if (apiKey !== API.produce) return false;
    // Numerical Recipes' linear congruential generator.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 < part;
  };
}

/** Calls back with each whole message: four bytes of length, then that many bytes. */
function eachMessage(socket: Socket, found: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      found(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  });
}
