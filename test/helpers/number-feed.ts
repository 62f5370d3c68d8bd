import type { FeedConnection, FeedServer } from './feed-server.ts';

/**
 * A feed that says 1, 2, 3, ... as `{"seq": n}`, and to each client what it asks for: `{"op":"login","token"}` is
 * answered by `{"event":"welcome"}`, `{"op":"play","after":n}` by all that came after n. A client that asks for nothing
 * gets what is said from then on.
 */
export class NumberFeed {
  /** The last number that was said. */
  last = 0;
  readonly tokens: unknown[] = [];
  /** What clients asked to go on behind, in order. */
  readonly resumedAfter: number[] = [];
  private readonly server: () => FeedServer;
  /** Clients that have logged in, with the last number that each was sent. */
  private readonly positions = new Map<FeedConnection, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(server: () => FeedServer) {
    this.server = server;
  }

  readonly greet = (connection: FeedConnection): void => {
    connection.ws.on('message', (data) => this.hear(connection, String(data)));
    connection.ws.on('close', () => this.positions.delete(connection));
  };

  /** Says `perTick` more numbers every 5 ms. */
  start(perTick: number): void {
    this.timer = setInterval(() => {
      this.last += perTick;
      this.flush();
    }, 5);
  }

  halt(): void {
    clearInterval(this.timer);
  }

  private hear(connection: FeedConnection, text: string): void {
    const { op, token, after } = JSON.parse(text) as { op: string; token?: unknown; after?: number };
    if (op === 'login') {
      this.tokens.push(token);
      connection.ws.send('{"event":"welcome"}');
      if (this.tokens.length === 1) this.begin(connection, 0);
      // A client with a cursor sends it next, also where the machine has much else to do.
      else setTimeout(() => this.begin(connection, this.last), 5_000).unref();
    } else if (op === 'play') {
      this.resumedAfter.push(after ?? 0);
      this.begin(connection, after ?? 0);
    }
  }

  private begin(connection: FeedConnection, position: number): void {
    if (this.positions.has(connection) || !connection.isOpen) return;
    this.positions.set(connection, position);
    this.flush();
  }

  private flush(): void {
    for (const connection of this.server().live) {
      let position = this.positions.get(connection);
      if (position === undefined || connection.ws.bufferedAmount > 4_194_304) continue;
      for (; position < this.last; position++) connection.ws.send(`{"seq":${position + 1}}`);
      this.positions.set(connection, position);
    }
  }
}
