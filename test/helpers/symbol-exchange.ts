import { type FeedConnection, FeedServer } from './feed-server.ts';
import { type Cleanup, until } from './gateway-process.ts';

interface Order {
  readonly op: 'subscribe' | 'unsubscribe';
  readonly symbols: readonly string[];
}

export interface SymbolExchangeOptions {
  /** Symbols that it allows on a connection. */
  readonly limit: number;
}

/** S1, S2, ... */
export const symbolsFrom = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `S${from + at}`);

/**
 * An exchange that sends the subscribed symbols every 5 ms, numbered by symbol, and closes a connection that has too many. It
 * notes what a client does wrong.
 */
export class SymbolExchange {
  /** All that was asked for, in order. */
  readonly orders: (Order & { readonly connection: number })[] = [];
  /** What a client did wrong. */
  readonly refused: string[] = [];
  private readonly limit: number;
  /** The last number of each symbol. */
  private readonly last = new Map<string, number>();
  private readonly holding = new Map<FeedConnection, Set<string>>();
  private server: FeedServer | undefined;

  private constructor({ limit }: SymbolExchangeOptions) {
    this.limit = limit;
  }

  static async start(t: Cleanup, options: SymbolExchangeOptions): Promise<SymbolExchange> {
    const exchange = new SymbolExchange(options);
    exchange.server = await FeedServer.start(t, { greet: (connection) => exchange.greet(connection) });
    return exchange;
  }

  get url(): string {
    return this.server?.url ?? '';
  }

  get live(): readonly FeedConnection[] {
    return this.server?.live ?? [];
  }

  /** All that there were. */
  get connections(): readonly FeedConnection[] {
    return this.server?.connections ?? [];
  }

  /** What is subscribed to, sorted; a symbol that two connections have is there twice. */
  get subscribed(): readonly string[] {
    return [...this.holding.values()].flatMap((symbols) => [...symbols]).sort();
  }

  /** The symbols of a connection, sorted. */
  symbolsOf(connection: FeedConnection): string {
    return [...(this.holding.get(connection) ?? [])].sort().join();
  }

  /** Resolves when exactly these symbols are subscribed to, each once. */
  async becomes(symbols: readonly string[]): Promise<void> {
    const wanted = [...symbols].sort().join();
    await until(
      () => this.subscribed.join() === wanted,
      20_000,
      () => `subscribed: ${this.subscribed.join()}`,
    );
  }

  private greet(connection: FeedConnection): void {
    const { ws } = connection;
    const number = this.connections.indexOf(connection) + 1;
    const symbols = new Set<string>();
    this.holding.set(connection, symbols);
    ws.on('message', (data) => {
      const order = JSON.parse(String(data)) as Order;
      this.orders.push({ ...order, connection: number });
      for (const symbol of order.symbols) {
        if (order.op === 'unsubscribe') symbols.delete(symbol);
        else this.subscribe(symbol, symbols);
      }
      if (symbols.size > this.limit) {
        this.refused.push(`connection ${number} has ${symbols.size} symbols`);
        ws.close(1008, 'too many symbols');
      }
      ws.send(JSON.stringify({ ok: order.op }));
    });
    const timer = setInterval(() => {
      for (const symbol of symbols) ws.send(JSON.stringify({ symbol, n: this.next(symbol) }));
    }, 5);
    ws.on('close', () => {
      clearInterval(timer);
      this.holding.delete(connection);
    });
  }

  private subscribe(symbol: string, symbols: Set<string>): void {
    if (symbols.has(symbol)) this.refused.push(`${symbol} is subscribed to again`);
    else if (this.subscribed.includes(symbol)) this.refused.push(`${symbol} has two connections`);
    symbols.add(symbol);
  }

  private next(symbol: string): number {
    const n = (this.last.get(symbol) ?? 0) + 1;
    this.last.set(symbol, n);
    return n;
  }
}
