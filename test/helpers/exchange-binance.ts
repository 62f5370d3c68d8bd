import { type Client, Market, seconds, type Trade } from './exchange-market.ts';

/** Milliseconds of the 24 hours after which a connection is ended. Hours pass faster still: 23 of them are half of it. */
const DAY = seconds(50);

/**
 * Binance (spot): 5 messages a second, pings and pongs counted; a ping every 20 s, to be answered within a minute; an event
 * before a shutdown; the end of a connection after 24 hours.
 */
export class Binance extends Market {
  readonly symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'BNBUSDT', 'XRPUSDT', 'DOGEUSDT'];
  override readonly isAnnouncedEarly = true;

  idOf(record: unknown): number {
    return (record as { t: number }).t;
  }

  override announce(): void {
    for (const client of this.clients) {
      client.send({ e: 'serverShutdown', E: Date.now() });
      setTimeout(() => client.connection.ws.close(1001), seconds(30)).unref();
    }
  }

  protected greet(client: Client): void {
    const { ws } = client.connection;
    client.limit(5, 1_000);
    client.every(seconds(20), () => ws.ping(String(Date.now())));
    ws.on('pong', client.deadline(seconds(60), 'no pong within a minute').keep);
    const age = setTimeout(() => client.refuse('24 hours are over'), DAY);
    ws.on('close', () => clearTimeout(age));
  }

  protected heard(client: Client, text: string): void {
    const { method, params, id } = JSON.parse(text) as { method: string; params: string[]; id: number };
    if (method !== 'SUBSCRIBE') {
      client.send({ error: { code: 2, msg: 'Invalid request: unknown method' }, id });
      return;
    }
    for (const stream of params) client.symbols.add(stream.replace('@trade', '').toUpperCase());
    client.send({ result: null, id });
  }

  protected deliver(client: Client, { symbol, id }: Trade): void {
    const at = 1_700_000_000_000 + id;
    client.send({ e: 'trade', E: at + 1, s: symbol, t: id, p: '37000.01', q: '0.5', T: at, m: id % 2 === 0, M: true });
  }
}
