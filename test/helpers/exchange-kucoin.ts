import { type Client, Market, seconds, type Trade } from './exchange-market.ts';
import type { Cleanup } from './gateway-process.ts';
import { type HttpAnswers, startHttpAnswers } from './http-answers.ts';

/** Milliseconds of the 24 hours after which a connection is ended. Hours pass faster still: 23 of them are half of it. */
const DAY = seconds(50);

/**
 * KuCoin (spot): a token and an address by HTTP, for one connection each; a welcome, before which nothing is subscribed; a ping
 * every 18 s with 10 s to spare; 100 messages in 10 s; the end of a connection after 24 hours.
 */
export class Kucoin extends Market {
  readonly symbols = ['BTC-USDT', 'ETH-USDT'];
  private readonly tokens = new Set<string>();
  private readonly pings = new Map<Client, () => void>();
  private answers: HttpAnswers | undefined;

  override get env(): Readonly<Record<string, string>> {
    return { API_URL: `${this.answers?.url}`, FEED_HOSTS: '127.0.0.1' };
  }

  override async start(t: Cleanup): Promise<this> {
    await super.start(t);
    this.answers = await startHttpAnswers(t);
    this.answers.answer = ({ method, url }, response) => {
      const isKnown = method === 'POST' && url === '/api/v1/bullet-public';
      const token = `token-${Math.random()}`;
      this.tokens.add(token);
      const instance = { endpoint: `${this.url}/endpoint`, protocol: 'websocket', pingInterval: 18_000 };
      response.statusCode = isKnown ? 200 : 404;
      response.end(JSON.stringify(isKnown ? { code: '200000', data: { token, instanceServers: [instance] } } : {}));
    };
    return this;
  }

  idOf(record: unknown): number {
    return Number((record as { data: { tradeId: string } }).data.tradeId.split('-').at(-1));
  }

  protected greet(client: Client): void {
    const [path, token = ''] = client.connection.url.split('?token=');
    if (path !== '/endpoint' || !this.tokens.delete(decodeURIComponent(token))) client.refuse('no token');
    client.limit(100, seconds(10));
    this.pings.set(client, client.deadline(seconds(28), 'no ping').keep);
    const age = setTimeout(() => client.refuse('24 hours are over'), DAY);
    client.connection.ws.on('close', () => clearTimeout(age));
    setTimeout(() => client.send({ id: 'a', type: 'welcome' }), 20).unref();
  }

  protected heard(client: Client, text: string): void {
    const { id, type, topic = '' } = JSON.parse(text) as Record<string, string>;
    if (type === 'ping') {
      this.pings.get(client)?.();
      client.send({ id, type: 'pong', timestamp: 1_700_000_000_000 });
      return;
    }
    const symbols = topic.replace('/market/match:', '').split(',');
    if (type !== 'subscribe' || !symbols.every((symbol) => this.symbols.includes(symbol))) {
      client.send({ id, type: 'error', code: 404, data: `topic ${topic} is not found` });
      return;
    }
    client.send({ id, type: 'ack' });
    for (const symbol of symbols) client.symbols.add(symbol);
  }

  protected deliver(client: Client, { symbol, id }: Trade): void {
    const data = { symbol, tradeId: `${symbol}-${id}`, sequence: String(id * 3), price: '37000.1', type: 'match' };
    client.send({ type: 'message', topic: `/market/match:${symbol}`, subject: 'trade.l3match', data });
  }
}
