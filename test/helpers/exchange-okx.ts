import { type Client, Market, seconds, type Trade } from './exchange-market.ts';

/**
 * OKX (v5): the end of a connection without a text for 30 s, which ping prevents; 480 requests an hour; an event 30 s before
 * a connection is closed.
 */
export class Okx extends Market {
  readonly symbols = ['BTC-USDT', 'ETH-USDT'];
  override readonly isAnnouncedEarly = true;
  private readonly deadlines = new Map<Client, () => void>();

  idOf(record: unknown): number {
    return Number((record as { tradeId: string }).tradeId);
  }

  override announce(): void {
    for (const client of this.clients) {
      client.send({ event: 'notice', code: '64008', msg: 'The connection will be closed soon', connId: 'a' });
      setTimeout(() => client.connection.ws.close(4_000), seconds(30)).unref();
    }
  }

  protected greet(client: Client): void {
    // Data of this server do not count, so that the pings have to.
    this.deadlines.set(client, client.deadline(seconds(30), 'no ping within 30 s').keep);
    client.limit(480, seconds(3_600));
  }

  protected heard(client: Client, text: string): void {
    this.deadlines.get(client)?.();
    if (text === 'ping') {
      client.send('pong');
      return;
    }
    const { op, args } = JSON.parse(text) as { op: string; args: { channel: string; instId: string }[] };
    for (const arg of args) {
      if (op !== 'subscribe' || arg.channel !== 'trades' || !this.symbols.includes(arg.instId)) {
        client.send({ event: 'error', code: '60018', msg: `Wrong instrument: ${arg.instId}`, connId: 'a' });
        continue;
      }
      client.send({ event: 'subscribe', arg, connId: 'a' });
      client.send({ event: 'channel-conn-count', channel: arg.channel, connCount: '1', connId: 'a' });
      client.symbols.add(arg.instId);
    }
  }

  protected deliver(client: Client, { symbol, id }: Trade): void {
    const trade = { instId: symbol, tradeId: String(id), px: '37000.1', sz: '0.5', side: 'buy', ts: '1700000000000' };
    client.send({ arg: { channel: 'trades', instId: symbol }, data: [{ ...trade, count: '1' }] });
  }
}
