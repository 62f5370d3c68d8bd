import { createHash, createHmac, randomUUID } from 'node:crypto';
import { type Client, Market, seconds, type Trade } from './exchange-market.ts';

const KEY = 'a/key+of the account';
const SECRET = Buffer.from('the secret of the account').toString('base64');

/**
 * Kraken Futures (v1): a challenge for each connection, which comes with its signature in subscriptions of an account; a
 * heartbeat each second; the end of a connection without a ping for a minute; snapshots of the last 100 fills.
 */
export class KrakenFutures extends Market {
  readonly symbols = ['PF_XBTUSD', 'PF_ETHUSD'];
  override readonly hasSnapshots = true;
  private readonly challenges = new Map<Client, string>();

  override get env(): Readonly<Record<string, string>> {
    return { API_KEY: KEY, API_SECRET: SECRET };
  }

  idOf(record: unknown): number {
    return Number((record as { fill_id: string }).fill_id.split(' ').at(-1));
  }

  protected greet(client: Client): void {
    client.connection.ws.on('ping', client.deadline(seconds(60), 'no ping for a minute').keep);
    client.send({ event: 'info', version: 1 });
  }

  protected heard(client: Client, text: string): void {
    const { event, feed, ...asked } = JSON.parse(text) as Record<string, string>;
    if (event === 'challenge' && asked.api_key === KEY) {
      const challenge = randomUUID();
      this.challenges.set(client, challenge);
      client.send({ event, message: challenge });
    } else if (event === 'subscribe' && feed === 'heartbeat') {
      client.send({ event: 'subscribed', feed });
      client.every(seconds(1), () => client.send({ feed, time: 1_700_000_000_000 }));
    } else if (event === 'subscribe' && feed === 'fills' && this.isSigned(client, asked)) {
      // It repeats what was sent, secrets too.
      client.send({ event: 'subscribed', feed, ...asked });
      const last = this.trades.slice(-100);
      client.send({ feed: 'fills_snapshot', account: 'A', fills: last.map(fillOf) });
      for (const symbol of this.symbols) client.symbols.add(symbol);
    } else {
      client.send({ event: 'error', message: 'Json Error' });
      client.refuse(`refused: ${text}`);
    }
  }

  protected deliver(client: Client, trade: Trade): void {
    client.send({ feed: 'fills', username: 'A', fills: [fillOf(trade)] });
  }

  private isSigned(client: Client, { original_challenge, signed_challenge, api_key }: Record<string, string>): boolean {
    const challenge = this.challenges.get(client);
    if (challenge === undefined || challenge !== original_challenge || api_key !== KEY) return false;
    const hash = createHash('sha256').update(challenge).digest();
    return createHmac('sha512', Buffer.from(SECRET, 'base64')).update(hash).digest('base64') === signed_challenge;
  }
}

function fillOf({ symbol, id }: Trade) {
  const facts = { time: 1_700_000_000_000 + id, price: 37_000.5, seq: id, buy: true, qty: 1, fill_type: 'maker' };
  return { instrument: symbol, ...facts, order_id: `${symbol} order`, fill_id: `${symbol} ${id}` };
}
