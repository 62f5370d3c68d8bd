import assert from 'node:assert/strict';
import { type FeedConnection, FeedServer } from './feed-server.ts';
import { type Cleanup, type GatewayProcess, startGateway, until } from './gateway-process.ts';
import { readTopic } from './topic-content.ts';

const SYMBOLS = ['BTC', 'ETH', 'SOL'];
/** Milliseconds between what is sent. */
const TICK = 5;

/** A message; `undefined` for one that the exchange has lost, which only the number of the next one shows. */
interface Trade {
  readonly id: number;
  readonly symbol: string;
  readonly seq: number;
  readonly isLost: boolean;
}

export interface ExchangeOptions {
  /** Milliseconds after which a connection is ended. */
  readonly limit: number;
  /** How many messages of 1,000 are lost. */
  readonly lost?: number;
}

/**
 * A server that numbers its messages by symbol, pings, and ends each connection at an age. A client subscribes with
 * `{"op":"subscribe","after":id}`, or without `after` for what comes from then on. Connections are served with delays of
 * their own, so that a newer one may be ahead of an older one.
 */
export class Exchange {
  readonly server: FeedServer;
  readonly trades: Trade[] = [];
  /** Connections that were ended by their age, or that did not answer pings. */
  readonly ended = { age: 0, silent: 0 };
  private readonly options: ExchangeOptions;
  private readonly positions = new Map<FeedConnection, { next: number; delay: number }>();
  private readonly numbers = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  private constructor(server: FeedServer, options: ExchangeOptions) {
    this.server = server;
    this.options = options;
  }

  static async start(t: Cleanup, options: ExchangeOptions): Promise<Exchange> {
    let exchange: Exchange | undefined;
    const server = await FeedServer.start(t, { greet: (connection) => exchange?.greet(connection) });
    exchange = new Exchange(server, options);
    t.after(async () => exchange?.halt());
    return exchange;
  }

  speak(): void {
    this.timer = setInterval(() => {
      const lost = (this.options.lost ?? 0) / 1_000;
      for (let n = 0; n < 5; n++) this.trade(Math.random() < lost);
      this.flush(false);
    }, TICK);
  }

  /** Nothing new is sent. A last message of each symbol shows what was lost before it. */
  halt(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    for (let n = 0; n < SYMBOLS.length; n++) this.trade(false);
    this.flush(true);
  }

  /** Cuts a connection without a word, or asks for a new one. */
  private disturb(): void {
    const { live } = this.server;
    const victim = live[Math.floor(Math.random() * live.length)];
    if (Math.random() < 0.5) victim?.ws.terminate();
    else victim?.ws.send('{"event":"bye"}');
  }

  /** Disturbs connections so many times in this time, except at its end. */
  async disturbFor(seconds: number, times: number): Promise<void> {
    const end = Date.now() + seconds * 1_000;
    while (Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, (seconds * 1_000) / (times + 1)));
      if (Date.now() < end - 2_000) this.disturb();
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }

  /** What was sent of a symbol, without what was lost. */
  sent(symbol: string): number[] {
    return this.trades.filter((trade) => trade.symbol === symbol && !trade.isLost).map(({ seq }) => seq);
  }

  private trade(isLost: boolean): void {
    const symbol = SYMBOLS[this.trades.length % SYMBOLS.length] as string; // within the list
    const seq = (this.numbers.get(symbol) ?? 0) + 1;
    this.numbers.set(symbol, seq);
    this.trades.push({ id: this.trades.length + 1, symbol, seq, isLost });
  }

  private greet(connection: FeedConnection): void {
    const { ws } = connection;
    let heardAt = Date.now();
    ws.on('pong', () => {
      heardAt = Date.now();
    });
    const pings = setInterval(() => {
      ws.ping();
      if (Date.now() - heardAt < 10_000) return;
      this.ended.silent += 1;
      ws.terminate();
    }, 500);
    const age = setTimeout(() => {
      this.ended.age += 1;
      ws.close(1008, 'too old');
    }, this.options.limit);
    ws.on('close', () => {
      clearInterval(pings);
      clearTimeout(age);
      this.positions.delete(connection);
    });
    ws.on('message', (data) => {
      const { after } = JSON.parse(String(data)) as { after?: number };
      ws.send('{"event":"subscribed"}');
      this.positions.set(connection, { next: after ?? this.trades.length, delay: Math.floor(Math.random() * 50) });
    });
  }

  private flush(isLast: boolean): void {
    for (const [{ ws, isOpen }, position] of this.positions) {
      const end = isLast ? this.trades.length : this.trades.length - position.delay;
      for (; isOpen && position.next < end; position.next += 1) {
        const { isLost, ...trade } = this.trades[position.next] as Trade; // before the end
        if (!isLost) ws.send(JSON.stringify(trade));
      }
    }
  }
}

/** Runs a gateway on an exchange until `meanwhile` resolves. Returns it when all that was sent is settled. */
export async function tradeWhile(
  t: Cleanup,
  exchange: Exchange,
  env: Readonly<Record<string, string>>,
  meanwhile: (gateway: GatewayProcess) => Promise<void>,
): Promise<GatewayProcess> {
  const gateway = await startGateway(t, {
    config: 'test/fixtures/feed-replaced.yaml',
    env: { ...env, FEED_URL: exchange.server.url },
  });
  await exchange.server.connection(2);
  await until(
    () => exchange.server.live.every(({ received }) => received.length > 0),
    10_000,
    () => 'a client does not subscribe',
  );
  exchange.speak();
  await meanwhile(gateway);
  exchange.halt();
  const last = exchange.trades.length;
  await until(
    async () =>
      (
        await Promise.all(
          ['resume', 'dedupe'].map((name) => readTopic(env.KAFKA_BROKERS ?? '', `${env.TOPIC}.${name}`)),
        )
      ).every((records) => records.some(({ value }) => (JSON.parse(value) as Trade).id === last)),
    60_000,
    () => `the last message is not stored:\n${gateway.output().slice(-3_000)}`,
  );
  return gateway;
}

/**
 * Checks a topic: of each symbol the numbers rise, and what is missing is exactly what the gaps tell. Returns how many
 * numbers are missing that were sent, and how many gaps there are of each sort.
 */
export async function checkStored(exchange: Exchange, brokers: string, topic: string) {
  const trades = (await readTopic(brokers, topic)).map(({ value }) => JSON.parse(value) as Trade);
  const gaps = (await readTopic(brokers, `${topic}.gaps`)).map(({ value }) => (JSON.parse(value) as { gap: Gap }).gap);
  let missed = 0;
  for (const symbol of SYMBOLS) {
    const stored = trades.filter((trade) => trade.symbol === symbol).map(({ seq }) => seq);
    for (const [at, seq] of stored.entries())
      assert.ok(at === 0 || seq > (stored[at - 1] as number), `${topic}: ${symbol} ${stored[at - 1]} before ${seq}`);
    const first = stored[0] as number;
    const last = exchange.trades.filter((trade) => trade.symbol === symbol).at(-1)?.seq ?? 0;
    const has = new Set(stored);
    const missing = Array.from({ length: last - first + 1 }, (_, n) => first + n).filter((seq) => !has.has(seq));
    const told = gaps
      .flatMap(({ sequence }) => (sequence?.by === symbol ? [sequence] : []))
      .flatMap(({ after, before }) => Array.from({ length: before - after - 1 }, (_, n) => after + 1 + n));
    assert.deepEqual(told, missing, `${topic}: what the gaps of ${symbol} tell`);
    missed += exchange.sent(symbol).filter((seq) => seq >= first && !has.has(seq)).length;
  }
  return {
    stored: trades.length,
    missed,
    outages: gaps.filter(({ sequence }) => sequence === undefined).length,
    holes: gaps.filter(({ sequence }) => sequence !== undefined).length,
  };
}

interface Gap {
  readonly reason: string;
  readonly sequence?: { readonly by: string; readonly after: number; readonly before: number };
}
