import { type Client, Market, seconds, type Trade } from './exchange-market.ts';

/**
 * Kraken (spot, v2): the status first; a heartbeat in each second without data; the end of a connection on which the client
 * says nothing for a minute; snapshots of the last 50 trades, and several trades in a message.
 */
export class Kraken extends Market {
  readonly symbols = ['BTC/USD', 'ETH/USD'];
  override readonly hasSnapshots = true;
  private readonly sent = new Map<Client, number>();

  idOf(record: unknown): number {
    return (record as { trade_id: number }).trade_id;
  }

  protected greet(client: Client): void {
    const { keep } = client.deadline(seconds(60), 'nothing for a minute');
    client.connection.ws.on('message', keep);
    client.send({
      channel: 'status',
      type: 'update',
      data: [{ system: 'online', api_version: 'v2', version: '2.0.9' }],
    });
  }

  protected heard(client: Client, text: string): void {
    const { method, params, req_id } = JSON.parse(text) as {
      method: string;
      params: { channel: string; symbol: string[]; snapshot: boolean };
      req_id?: number;
    };
    const times = { time_in: '2026-01-01T00:00:00.000001Z', time_out: '2026-01-01T00:00:00.000002Z' };
    if (method === 'ping') client.send({ method: 'pong', req_id, ...times });
    if (method !== 'subscribe') return;
    for (const symbol of params.symbol) {
      if (!this.symbols.includes(symbol)) {
        client.send({
          error: `Currency pair not supported ${symbol}`,
          method,
          req_id,
          success: false,
          symbol,
          ...times,
        });
        continue;
      }
      client.send({ method, req_id, result: { channel: 'trade', snapshot: true, symbol }, success: true, ...times });
      this.say(client, 'snapshot', this.lastTrades(symbol, 50));
      client.symbols.add(symbol);
    }
    if (this.sent.has(client)) return;
    this.sent.set(client, Date.now());
    client.every(seconds(1), () => {
      if (Date.now() - (this.sent.get(client) ?? 0) >= seconds(1)) client.send({ channel: 'heartbeat' });
    });
  }

  /** With the trade before, every other time: then the first of them is in two messages. */
  protected deliver(client: Client, trade: Trade): void {
    this.say(client, 'update', this.lastTrades(trade.symbol, trade.id % 2 === 0 ? 2 : 1));
    this.sent.set(client, Date.now());
  }

  private say(client: Client, type: string, trades: readonly Trade[]): void {
    const facts = {
      side: 'buy',
      price: 37_000.1,
      qty: 0.5,
      ord_type: 'market',
      timestamp: '2026-01-01T00:00:00.000001Z',
    };
    client.send({ channel: 'trade', type, data: trades.map(({ symbol, id }) => ({ symbol, trade_id: id, ...facts })) });
  }
}
