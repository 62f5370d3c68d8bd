import type { WebSocket } from 'ws';
import { TestClient } from './client.ts';

/** What a request got. */
export interface TopicReply {
  readonly id: number;
  readonly refid: unknown;
  readonly t?: string;
  readonly a?: string;
  /** 0: done, 1: failed. */
  readonly s: number;
  readonly p?: unknown;
  readonly code?: string;
  readonly retryable?: boolean;
}

/** A record of the subscription; all but the first three only with `detail`. */
export interface TopicRecord {
  readonly id: number;
  readonly t: 'notif';
  readonly p: string | null;
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>> | readonly (readonly [name: string, value: unknown])[];
  readonly timestamp?: number;
}

/** A client of the topic protocol, which numbers its requests. */
export class TopicsClient {
  readonly client: TestClient;
  /** Every reply and every record, in the order of the frames; lists of records as they came. */
  private readonly parsed: (TopicReply | readonly TopicRecord[])[] = [];
  private readonly answered: TopicReply[] = [];
  private readonly received: TopicRecord[] = [];
  private requests = 0;

  private constructor(client: TestClient) {
    this.client = client;
  }

  static open(port: number, path = '/', options: WebSocket.ClientOptions = {}): Promise<TopicsClient> {
    return TopicsClient.openUrl(`ws://127.0.0.1:${port}${path}`, options);
  }

  static async openUrl(url: string, options: WebSocket.ClientOptions): Promise<TopicsClient> {
    return new TopicsClient(await TestClient.open(url, options));
  }

  get frames(): readonly (TopicReply | readonly TopicRecord[])[] {
    this.read();
    return this.parsed;
  }

  get replies(): readonly TopicReply[] {
    this.read();
    return this.answered;
  }

  get records(): readonly TopicRecord[] {
    this.read();
    return this.received;
  }

  /** Contents of the records. */
  get contents(): readonly (string | null)[] {
    return this.records.map(({ p }) => p);
  }

  get closed(): TestClient['closed'] {
    return this.client.closed;
  }

  say(message: unknown): void {
    this.client.ws.send(JSON.stringify(message));
  }

  /** Resolves with the reply. */
  async ask(t: string, a: string | undefined, p?: unknown, more: object = {}): Promise<TopicReply> {
    this.requests += 1;
    const id = `request-${this.requests}`;
    this.say({ id, t, a, p, ...more });
    return this.replyTo(id);
  }

  topic(a: string, p?: unknown): Promise<TopicReply> {
    return this.ask('topic', a, p);
  }

  /** Publishes and resolves with the reply: the position of the record, or the failure. */
  publish(t: string, m: unknown, more: object = {}): Promise<TopicReply> {
    return this.ask('notif', 'create', { t, m, ...more }, { ack: true });
  }

  async replyTo(id: unknown, timeout = 45_000): Promise<TopicReply> {
    const find = () => this.replies.find(({ refid }) => refid === id);
    await this.until(() => find() !== undefined || this.closed !== undefined, timeout);
    const reply = find();
    if (reply === undefined) throw new Error(`closed without a reply to ${String(id)}: ${JSON.stringify(this.closed)}`);
    return reply;
  }

  until(condition: () => boolean, timeout?: number): Promise<void> {
    return this.client.until(condition, timeout);
  }

  /** Resolves once so many records came, in all. */
  receives(count: number, timeout?: number): Promise<void> {
    return this.until(() => this.records.length >= count, timeout);
  }

  /** Gone without a word. */
  kill(): void {
    this.client.ws.terminate();
  }

  close(): Promise<void> {
    return this.client.close();
  }

  /** Each frame once: tests ask after every frame. */
  private read(): void {
    for (let at = this.parsed.length; at < this.client.frames.length; at += 1) {
      const frame = JSON.parse(String(this.client.frames[at])) as TopicReply | readonly TopicRecord[];
      this.parsed.push(frame);
      if (isReply(frame)) this.answered.push(frame);
      else for (const record of frame) this.received.push(record);
    }
  }
}

function isReply(frame: TopicReply | readonly TopicRecord[]): frame is TopicReply {
  return !Array.isArray(frame);
}
