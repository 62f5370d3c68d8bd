import { TestClient } from './client.ts';

/** A client that sends numbered messages without pause, keeping `window` of them unanswered, and remembers the answers. */
export class LoadClient {
  readonly client: TestClient;
  readonly name: string;
  readonly acked = new Set<string>();
  readonly retryable = new Set<string>();
  readonly refused = new Set<string>();
  sent = 0;
  private isSending = true;
  private read = 0;

  private constructor(name: string, client: TestClient) {
    this.name = name;
    this.client = client;
  }

  static async open(name: string, url: string, window: number): Promise<LoadClient> {
    const load = new LoadClient(name, await TestClient.open(url));
    load.client.ws.on('message', () => {
      load.readAnswers();
      load.fill(window);
    });
    load.fill(window);
    return load;
  }

  /** Sends no more; what was sent may still be answered. */
  halt(): void {
    this.isSending = false;
  }

  get unanswered(): number {
    return this.sent - this.acked.size - this.retryable.size - this.refused.size;
  }

  private fill(window: number): void {
    while (this.isSending && this.unanswered < window && this.client.ws.readyState === 1) {
      this.client.send('x'.repeat(100), { id: `${this.name}-${this.sent}` });
      this.sent += 1;
    }
  }

  private readAnswers(): void {
    const { frames } = this.client;
    for (; this.read < frames.length; this.read += 1) {
      const { messageType, id, retryable } = JSON.parse(String(frames[this.read])) as {
        messageType: string;
        id?: string;
        retryable?: boolean;
      };
      if (id === undefined) continue;
      if (messageType === 'ACK') this.acked.add(id);
      else if (messageType === 'ERROR') (retryable ? this.retryable : this.refused).add(id);
    }
  }
}

/** Ids that were acked by a gateway and are not in the topic: must be none, ever. */
export function lost(clients: readonly LoadClient[], stored: ReadonlyMap<string, number>): string[] {
  return clients.flatMap(({ acked }) => [...acked]).filter((id) => !stored.has(id));
}
