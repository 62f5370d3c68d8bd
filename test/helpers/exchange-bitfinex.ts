import { type Client, Market, seconds, type Trade } from './exchange-market.ts';

/** A channel of a connection. */
interface Channel {
  readonly id: number;
  readonly symbol: string;
  /** Whether messages are numbered. */
  readonly isNumbered: boolean;
}

/**
 * Bitfinex (v2): numbers of channels instead of symbols; te and tu for each trade; heartbeats every 15 s; numbered messages
 * with the flag 65536; snapshots of the last 30 trades with the newest first; 20 connections a minute; 20051 before a restart.
 */
export class Bitfinex extends Market {
  readonly symbols = ['tBTCUSD', 'tETHUSD'];
  override readonly hasSnapshots = true;
  private readonly channels = new Map<Client, Channel>();
  private readonly numbers = new Map<Client, number>();
  private readonly connects: number[] = [];

  idOf(record: unknown): number {
    return (record as { id: number }).id;
  }

  override announce(): void {
    for (const client of this.clients) {
      client.send({ event: 'info', code: 20051, msg: 'Stopping. Please try to reconnect' });
      setTimeout(() => client.connection.ws.close(1001), seconds(5)).unref();
    }
  }

  protected greet(client: Client): void {
    this.connects.push(performance.now());
    if (performance.now() - (this.connects.at(-21) ?? Number.NEGATIVE_INFINITY) < seconds(60))
      client.refuse('more than 20 connections in a minute');
    client.send({ event: 'info', version: 2, serverId: 'a', platform: { status: 1 } });
  }

  protected heard(client: Client, text: string): void {
    const { event, flags, symbol, channel } = JSON.parse(text) as {
      event: string;
      flags?: number;
      symbol?: string;
      channel?: string;
    };
    if (event === 'conf') {
      if (flags === 65_536) this.numbers.set(client, 0);
      client.send({ event, status: 'OK', flags });
      return;
    }
    if (channel !== 'trades' || symbol === undefined || !this.symbols.includes(symbol)) {
      client.send({ channel, symbol, event: 'error', msg: 'symbol: invalid', code: 10_300 });
      return;
    }
    const id = client.number * 100 + this.symbols.indexOf(symbol);
    this.channels.set(client, { id, symbol, isNumbered: this.numbers.has(client) });
    client.send({ event: 'subscribed', channel, chanId: id, symbol, pair: symbol.slice(1) });
    this.say(client, this.lastTrades(symbol, 30).map(valuesOf).reverse());
    client.symbols.add(symbol);
    client.every(seconds(15), () => this.say(client, 'hb'));
  }

  protected deliver(client: Client, trade: Trade): void {
    this.say(client, 'te', valuesOf(trade));
    this.say(client, 'tu', valuesOf(trade));
  }

  private say(client: Client, ...content: unknown[]): void {
    const number = (this.numbers.get(client) ?? 0) + 1;
    const channel = this.channels.get(client);
    if (channel?.isNumbered) this.numbers.set(client, number);
    client.send([channel?.id, ...content, ...(channel?.isNumbered ? [number] : [])]);
  }
}

function valuesOf({ id }: Trade): number[] {
  return [id, 1_700_000_000_000 + id, id % 2 === 0 ? 0.25 : -0.25, 37_000.5];
}
