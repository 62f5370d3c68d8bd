import assert from 'node:assert/strict';
import { type FeedConnection, FeedServer } from './feed-server.ts';
import { type Cleanup, until } from './gateway-process.ts';
import { readTopic } from './topic-content.ts';

interface Feed {
  /** The last number that was sent. */
  last: number;
  /** Most sockets that were open at a time. */
  mostAtOnce: number;
  /** The numbers after which clients asked to continue, in order. */
  readonly resumedAfter: number[];
  connections: number;
}

/**
 * A server with a feed at each path: it sends 1, 2, 3, ... as `{"feed", "seq"}`. A client that reconnects names the last
 * number that it has, by `{"after": n}`.
 */
export class ResumableFeeds {
  readonly server: FeedServer;
  private readonly feeds = new Map<string, Feed>();
  private readonly positions = new Map<FeedConnection, number>();
  private timer: NodeJS.Timeout | undefined;

  private constructor(server: FeedServer) {
    this.server = server;
  }

  static async start(t: Cleanup): Promise<ResumableFeeds> {
    let feeds: ResumableFeeds | undefined;
    const server = await FeedServer.start(t, { greet: (connection) => feeds?.greet(connection) });
    feeds = new ResumableFeeds(server);
    t.after(async () => feeds?.halt());
    return feeds;
  }

  /** Each feed that had a client sends `perTick` more numbers every 10 ms. */
  speak(perTick = 1): void {
    this.timer = setInterval(() => {
      for (const feed of this.feeds.values()) feed.last += perTick;
      this.flush();
    }, 10);
  }

  halt(): void {
    clearInterval(this.timer);
  }

  urlOf(name: string): string {
    return `${this.server.url}/${name}`;
  }

  /** Settings of a connector that continues after the last number that it has received. */
  connector(name: string, topic: string): Record<string, string> {
    return {
      'connector.class': 'tidegate.WebSocketSourceConnector',
      'websocket.url': this.urlOf(name),
      'kafka.topic': topic,
      'websocket.resume.cursor': '${! json.seq }',
      'websocket.resume.message': '{"after":${! meta.cursor }}',
    };
  }

  of(name: string): Feed {
    const known = this.feeds.get(`/${name}`);
    if (known === undefined) throw new Error(`no client has connected to ${name}`);
    return known;
  }

  /** Sockets that are open now. */
  live(name: string): number {
    return this.server.live.filter(({ url }) => url === `/${name}`).length;
  }

  /**
   * Resolves when the last number of each feed is in the topic. Each feed has 1, 2, 3, ... to the last number that it
   * sent, each once, or more often where `mayRepeat` allows it.
   */
  async isWhole(
    brokers: string,
    topic: string,
    mayRepeat: (feed: string, seq: number) => boolean = () => false,
  ): Promise<void> {
    const lasts = [...this.feeds].map(([path, { last }]) => [path.slice(1), last] as const);
    let stored = new Map<string, number[]>();
    await until(
      async () => {
        stored = await numbersOf(brokers, topic);
        return lasts.every(([feed, last]) => stored.get(feed)?.includes(last));
      },
      30_000,
      () => `${topic} ends with ${[...stored].map(([feed, numbers]) => `${feed}: ${Math.max(...numbers)}`)}`,
    );
    for (const [feed, last] of lasts) {
      const numbers = stored.get(feed) ?? [];
      const all = Array.from({ length: last }, (_, n) => n + 1);
      assert.deepEqual(
        [...new Set(numbers)].sort((one, other) => one - other),
        all,
        `${feed} lacks something`,
      );
      const seen = new Set<number>();
      for (const number of numbers) {
        assert.ok(!seen.has(number) || mayRepeat(feed, number), `${feed}: ${number} is stored twice`);
        seen.add(number);
      }
    }
  }

  private greet(connection: FeedConnection): void {
    const feed = this.feeds.get(connection.url) ?? { last: 0, mostAtOnce: 0, resumedAfter: [], connections: 0 };
    this.feeds.set(connection.url, feed);
    feed.connections += 1;
    feed.mostAtOnce = Math.max(feed.mostAtOnce, this.live(connection.url.slice(1)));
    if (feed.connections === 1) this.positions.set(connection, 0);
    connection.ws.on('message', (data) => {
      const { after } = JSON.parse(String(data)) as { after: number };
      feed.resumedAfter.push(after);
      this.positions.set(connection, after);
      this.flush();
    });
    connection.ws.on('close', () => this.positions.delete(connection));
  }

  private flush(): void {
    for (const [connection, position] of this.positions) {
      const { last } = this.feeds.get(connection.url) as Feed; // made when it came
      if (!connection.isOpen || connection.ws.bufferedAmount > 1_048_576) continue;
      for (let next = position + 1; next <= last; next++)
        connection.ws.send(`{"feed":"${connection.url.slice(1)}","seq":${next}}`);
      this.positions.set(connection, last);
    }
  }
}

async function numbersOf(brokers: string, topic: string): Promise<Map<string, number[]>> {
  const numbers = new Map<string, number[]>();
  for (const { value } of await readTopic(brokers, topic)) {
    const { feed, seq } = JSON.parse(value) as { feed: string; seq: number };
    const known = numbers.get(feed);
    if (known === undefined) numbers.set(feed, [seq]);
    else known.push(seq);
  }
  return numbers;
}
