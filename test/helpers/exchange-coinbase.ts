import { type Client, Market, seconds, type Trade } from './exchange-market.ts';

/**
 * Coinbase Exchange: a subscription within 5 s; a heartbeat a second for each product; the last trade of a product is
 * sent again with each subscription.
 */
export class Coinbase extends Market {
  readonly symbols = ['BTC-USD', 'ETH-USD'];
  private readonly deadlines = new Map<Client, () => void>();

  idOf(record: unknown): number {
    return (record as { trade_id: number }).trade_id;
  }

  protected greet(client: Client): void {
    this.deadlines.set(client, client.deadline(seconds(5), 'no subscription within 5 s').end);
    client.limit(100, 1_000);
  }

  protected heard(client: Client, text: string): void {
    const { type, product_ids, channels } = JSON.parse(text) as Record<'type', string> &
      Record<'product_ids' | 'channels', string[]>;
    if (type !== 'subscribe' || !product_ids.every((id) => this.symbols.includes(id))) {
      client.send({ type: 'error', message: 'Failed to subscribe', reason: 'not a valid product' });
      client.connection.ws.close(1000);
      return;
    }
    this.deadlines.get(client)?.();
    const subscribed = channels.map((name) => ({ name, product_ids, account_ids: null }));
    client.send({ type: 'subscriptions', channels: subscribed });
    for (const id of product_ids) {
      const last = this.lastTrades(id, 1)[0];
      if (last !== undefined) this.say(client, 'last_match', last);
      client.symbols.add(id);
    }
    if (!channels.includes('heartbeat')) return;
    client.every(seconds(1), () => {
      for (const product_id of product_ids)
        client.send({ type: 'heartbeat', last_trade_id: this.lastTrades(product_id, 1)[0]?.id ?? 0, product_id });
    });
  }

  protected deliver(client: Client, trade: Trade): void {
    this.say(client, 'match', trade);
  }

  private say(client: Client, type: string, { symbol, id }: Trade): void {
    const trade = { type, trade_id: id, side: 'sell', size: '0.1', price: '37000.01', product_id: symbol };
    client.send({ ...trade, sequence: id * 7, time: '2026-01-01T00:00:00.000000Z' });
  }
}
