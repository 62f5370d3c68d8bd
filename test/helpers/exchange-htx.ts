import { gzipSync } from 'node:zlib';
import { type Client, Market, seconds, type Trade } from './exchange-market.ts';

/** HTX (Huobi, spot): messages compressed by gzip; a ping every 5 s, and the end of a connection that leaves two unanswered. */
export class Htx extends Market {
  readonly symbols = ['btcusdt', 'ethusdt'];
  private readonly pongs = new Map<Client, (ping: number) => void>();

  idOf(record: unknown): number {
    return (record as { tradeId: number }).tradeId;
  }

  protected greet(client: Client): void {
    let ping = 1_700_000_000_000;
    const { keep } = client.deadline(seconds(15), 'two pings without an answer');
    client.every(seconds(5), () => {
      ping += 5_000;
      say(client, { ping });
    });
    this.pongs.set(client, (pong) => {
      if (pong === ping) keep();
    });
  }

  protected heard(client: Client, text: string): void {
    const { sub, id, pong } = JSON.parse(text) as { sub?: string; id?: string; pong?: number };
    if (pong !== undefined) this.pongs.get(client)?.(pong);
    if (sub === undefined) return;
    const [, symbol = ''] = sub.split('.');
    if (!this.symbols.includes(symbol)) {
      say(client, { id, status: 'error', 'err-code': 'bad-request', 'err-msg': `invalid symbol ${symbol}`, ts: 1 });
      return;
    }
    say(client, { id, status: 'ok', subbed: sub, ts: 1_700_000_000_000 });
    client.symbols.add(symbol);
  }

  protected deliver(client: Client, { symbol, id }: Trade): void {
    const ts = 1_700_000_000_000 + id;
    const trade = { id: id * 10, ts, tradeId: id, amount: 0.5, price: 37_000.1, direction: 'buy' };
    say(client, { ch: `market.${symbol}.trade.detail`, ts: ts + 5, tick: { id: id * 1_000, ts, data: [trade] } });
  }
}

function say(client: Client, message: unknown): void {
  client.sendBinary(gzipSync(JSON.stringify(message)));
}
