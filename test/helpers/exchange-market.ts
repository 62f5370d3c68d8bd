import { type FeedConnection, FeedServer } from './feed-server.ts';
import type { Cleanup } from './gateway-process.ts';

/** Time runs so much faster than the documentation of the exchanges says. */
export const FASTER = 5;
/** Milliseconds of the test for seconds of the documentation. */
export const seconds = (count: number): number => (count * 1_000) / FASTER;

export interface Trade {
  /** As it is in the key of the record. */
  readonly symbol: string;
  /** From 1 for each symbol. */
  readonly id: number;
}

/** One connection of a market, and what it has done so far. */
export class Client {
  readonly connection: FeedConnection;
  /** From 1, in the order of the connects. */
  readonly number: number;
  readonly symbols = new Set<string>();
  private readonly violations: string[];

  constructor(connection: FeedConnection, number: number, violations: string[]) {
    this.connection = connection;
    this.number = number;
    this.violations = violations;
  }

  get isOpen(): boolean {
    return this.connection.isOpen;
  }

  send(message: unknown): void {
    if (this.isOpen) this.connection.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  sendBinary(message: Buffer): void {
    if (this.isOpen) this.connection.ws.send(message);
  }

  /** Closes the connection of a client that has broken a rule. */
  refuse(why: string): void {
    if (!this.isOpen) return;
    this.violations.push(why);
    this.connection.ws.close(1008, why);
  }

  /** Everything that comes counts, pings and pongs too. `per` in milliseconds. */
  limit(count: number, per: number): void {
    const times: number[] = [];
    for (const event of ['message', 'ping', 'pong'] as const)
      this.connection.ws.on(event, () => {
        times.push(performance.now());
        const first = times.at(-1 - count);
        if (first !== undefined && performance.now() - first < per)
          this.refuse(`more than ${count} messages in ${per} ms`);
      });
  }

  /** What is sent until the connection ends, every so many milliseconds. */
  every(interval: number, act: () => void): void {
    const timer = setInterval(act, interval);
    this.connection.ws.on('close', () => clearInterval(timer));
  }

  /** Refuses the client unless `keep` is called again within so many milliseconds, each time. */
  deadline(within: number, why: string): { readonly keep: () => void; readonly end: () => void } {
    let timer = setTimeout(() => this.refuse(why), within);
    const end = () => clearTimeout(timer);
    this.connection.ws.on('close', end);
    const keep = () => {
      clearTimeout(timer);
      if (this.isOpen) timer = setTimeout(() => this.refuse(why), within);
    };
    return { keep, end };
  }
}

/**
 * An exchange with one trade after the other, each of which its subscribers get once. What it says and which rules it
 * enforces is up to the exchanges that extend it.
 */
export abstract class Market {
  abstract readonly symbols: readonly string[];
  /** Environment of the gateway besides FEED_URL. */
  get env(): Readonly<Record<string, string>> {
    return {};
  }
  /** Whether a new subscriber gets the last trades, so that none is lost during a short outage. */
  readonly hasSnapshots: boolean = false;
  /** Whether it serves a connection for a while when it has asked for a new one. */
  readonly isAnnouncedEarly: boolean = false;
  /** Whether no trade is lost when the exchange asks for a new connection. */
  get keepsTrades(): boolean {
    return this.hasSnapshots || this.isAnnouncedEarly;
  }
  readonly trades: Trade[] = [];
  /** Rules that clients have broken. */
  readonly violations: string[] = [];
  readonly clients: Client[] = [];
  private feedServer: FeedServer | undefined;

  async start(t: Cleanup): Promise<this> {
    const choose = this.choose === undefined ? {} : { choose: this.choose };
    this.feedServer = await FeedServer.start(t, { greet: (connection) => this.welcome(connection), ...choose });
    return this;
  }

  get url(): string {
    return `${this.feedServer?.url}`;
  }

  /** The number of the trade that a record has. */
  abstract idOf(record: unknown): number;

  /** Asks all clients for new connections; undefined where the exchange has no message for this. */
  announce?(): void;

  /** The number of the newest connection. */
  get newest(): number {
    return this.clients.length;
  }

  /** Whether each symbol has a subscriber that connected after `number`. */
  isServed(number: number): boolean {
    return this.symbols.every((symbol) =>
      this.clients.some((client) => client.isOpen && client.number > number && client.symbols.has(symbol)),
    );
  }

  /** Ids of one symbol, all that there were. */
  idsOf(symbol: string): number[] {
    return this.trades.filter((trade) => trade.symbol === symbol).map(({ id }) => id);
  }

  trade(): void {
    const symbol = this.symbols[this.trades.length % this.symbols.length] as string; // within the list
    const trade = { symbol, id: this.idsOf(symbol).length + 1 };
    this.trades.push(trade);
    for (const client of this.clients) if (client.isOpen && client.symbols.has(symbol)) this.deliver(client, trade);
  }

  /** Ends all connections without a word. */
  cut(): void {
    for (const { connection } of this.clients) connection.ws.terminate();
  }

  /** What is chosen of the subprotocols; undefined: the first one that is offered. */
  protected readonly choose?: () => string | false;

  /** A client has connected. */
  protected abstract greet(client: Client): void;
  /** A text of a client. */
  protected abstract heard(client: Client, text: string): void;
  /** A trade of a symbol that the client has subscribed to. */
  protected abstract deliver(client: Client, trade: Trade): void;

  /** The last trades of a symbol, oldest first. */
  protected lastTrades(symbol: string, count: number): Trade[] {
    return this.trades.filter((trade) => trade.symbol === symbol).slice(-count);
  }

  private welcome(connection: FeedConnection): void {
    const client = new Client(connection, this.clients.length + 1, this.violations);
    this.clients.push(client);
    this.greet(client);
    connection.ws.on('message', (data) => {
      if (client.isOpen) this.heard(client, String(data));
    });
  }
}
