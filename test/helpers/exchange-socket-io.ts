import { type Client, Market, seconds, type Trade } from './exchange-market.ts';

const TOKEN = 'a-token-of-clients';

/** A server of Socket.IO (protocol 5): the handshake of Engine.IO, a namespace with a token, pings that want 3 within 5 s. */
export class SocketIo extends Market {
  readonly symbols = ['BTC', 'ETH'];
  override get env() {
    return { FEED_TOKEN: TOKEN };
  }
  private readonly pongs = new Map<Client, () => void>();
  private readonly connected = new Set<Client>();

  override get url(): string {
    return `${super.url}/socket.io/?EIO=4&transport=websocket`;
  }

  idOf(record: unknown): number {
    return (record as { id: number }).id;
  }

  /** The server disconnects the client from the namespace. */
  override announce(): void {
    for (const client of this.clients) client.send('41');
  }

  protected greet(client: Client): void {
    if (client.connection.url !== '/socket.io/?EIO=4&transport=websocket') client.refuse('no Engine.IO 4');
    client.send('0{"sid":"a","upgrades":[],"pingInterval":5000,"pingTimeout":5000,"maxPayload":1000000}');
    this.pongs.set(client, client.deadline(seconds(10), 'ping timeout').keep);
    client.every(seconds(5), () => client.send('2'));
  }

  protected heard(client: Client, text: string): void {
    if (text === '3') this.pongs.get(client)?.();
    else if (text === `40{"token":"${TOKEN}"}`) {
      this.connected.add(client);
      client.send('40{"sid":"b"}');
    } else if (!this.connected.has(client)) {
      client.send('44{"message":"not authorized"}');
      client.refuse('not authorized');
    } else {
      const [, id, json = ''] = /^42(\d+)(\[.*\])$/.exec(text) ?? [];
      const [event, symbols] = JSON.parse(json) as [string, string[]];
      if (event !== 'subscribe') return;
      client.send(`43${id}[{"ok":true}]`);
      for (const symbol of symbols) client.symbols.add(symbol);
      client.send('6');
      client.send('42["news",{"symbol":"BTC"}]');
    }
  }

  protected deliver(client: Client, { symbol, id }: Trade): void {
    client.send(`42["trade",{"symbol":"${symbol}","id":${id},"price":37000.1}]`);
  }
}
