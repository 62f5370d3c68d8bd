import { type Client, Market, seconds, type Trade } from './exchange-market.ts';

/** A broker with STOMP 1.2: login and receipts; heart-beats of both sides every 10 s; an ERROR before each refusal. */
export class Stomp extends Market {
  readonly symbols = ['ACME', 'BOLT'];
  override get env() {
    return { STOMP_LOGIN: 'ada', STOMP_PASSCODE: 'lovelace' };
  }
  private readonly deadlines = new Map<Client, () => void>();
  private readonly subscriptions = new Map<Client, string>();

  idOf(record: unknown): number {
    return (record as { id: number }).id;
  }

  /** Before a broker stops. */
  override announce(): void {
    for (const client of this.clients) {
      client.send(frame('ERROR', { message: 'the broker stops' }));
      setTimeout(() => client.connection.ws.close(1001), 50).unref();
    }
  }

  protected override readonly choose = () => 'v12.stomp';

  protected greet(client: Client): void {
    this.deadlines.set(client, client.deadline(seconds(20), 'no heart-beat').keep);
  }

  protected heard(client: Client, text: string): void {
    this.deadlines.get(client)?.();
    if (text === '\n') return;
    const [command = '', ...lines] = text.slice(0, text.indexOf('\n\n')).split('\n');
    const headers = Object.fromEntries(lines.map((line) => line.split(/:(.*)/).slice(0, 2))) as Record<string, string>;
    const isWhole = text.endsWith('\n\n\0');
    if (command === 'CONNECT' && isWhole && headers.login === 'ada' && headers.passcode === 'lovelace') {
      const hasBeats = headers['accept-version'] === '1.2' && headers['heart-beat'] === '10000,10000';
      if (!hasBeats || headers.host !== '/') client.refuse('CONNECT lacks a header');
      client.send(frame('CONNECTED', { version: '1.2', 'heart-beat': '10000,10000', server: 'broker/1' }));
      client.every(seconds(10), () => client.send('\n'));
    } else if (command === 'SUBSCRIBE' && isWhole && headers.destination === '/topic/trades') {
      this.subscriptions.set(client, headers.id ?? '');
      if (headers.receipt !== undefined) client.send(frame('RECEIPT', { 'receipt-id': headers.receipt }));
      for (const symbol of this.symbols) client.symbols.add(symbol);
    } else {
      client.send(frame('ERROR', { message: 'Bad CONNECT' }, 'Access refused'));
      client.refuse(`${command} is refused`);
    }
  }

  protected deliver(client: Client, { symbol, id }: Trade): void {
    const subscription = this.subscriptions.get(client) ?? '';
    const body = JSON.stringify({ symbol, id, note: 'ü\n\n' });
    const length = String(Buffer.byteLength(body));
    const headers = {
      subscription,
      'message-id': `T_0@@${id}`,
      destination: '/topic/trades',
      'content-length': length,
    };
    client.send(frame('MESSAGE', headers, body));
  }
}

function frame(command: string, headers: Readonly<Record<string, string>>, body = ''): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}`);
  return `${[command, ...lines].join('\n')}\n\n${body}\0`;
}
