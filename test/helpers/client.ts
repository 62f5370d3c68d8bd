import { once } from 'node:events';
import { WebSocket } from 'ws';

export interface Envelope {
  readonly messageType: 'USER' | 'SYSTEM' | 'ACK' | 'ERROR';
  readonly content: string;
  readonly timestamp: string;
  readonly id?: string | number;
  readonly clientId?: string;
  readonly code?: string;
  readonly retryable?: boolean;
  readonly outcome?: string;
}

/** A WebSocket client that keeps what it gets, in order, and can wait for more. */
export class TestClient {
  readonly ws: WebSocket;
  readonly frames: Buffer[] = [];
  readonly binaries: boolean[] = [];
  closed: { code: number; reason: string } | undefined;
  private readonly parsed: Envelope[] = [];
  private readonly byType: Record<Envelope['messageType'], Envelope[]> = { USER: [], SYSTEM: [], ACK: [], ERROR: [] };
  private readonly watchers = new Set<() => void>();

  private constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data, binary) => {
      this.frames.push(data as Buffer);
      this.binaries.push(binary);
      for (const watcher of [...this.watchers]) watcher();
    });
    ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      for (const watcher of [...this.watchers]) watcher();
    });
    ws.on('error', () => {});
  }

  /** Rejects when the handshake is refused. */
  static async open(url: string, options: WebSocket.ClientOptions = {}): Promise<TestClient> {
    const ws = new WebSocket(url, { perMessageDeflate: false, ...options });
    const client = new TestClient(ws);
    await once(ws, 'open');
    return client;
  }

  get envelopes(): readonly Envelope[] {
    this.parse();
    return this.parsed;
  }

  /** Frames of one type. */
  of(type: Envelope['messageType']): readonly Envelope[] {
    this.parse();
    return this.byType[type];
  }

  send(content: string, more: Record<string, unknown> = {}): void {
    this.ws.send(JSON.stringify({ messageType: 'USER', content, timestamp: new Date().toISOString(), ...more }));
  }

  /** Resolves when `condition` holds; it is asked again after each frame and at the close. */
  until(condition: () => boolean, timeout = 45_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!condition()) return;
        this.watchers.delete(check);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.watchers.delete(check);
        const last = this.frames.slice(-3).map(String).join('\n');
        reject(
          new Error(
            `nothing after ${timeout} ms; ${this.frames.length} frames, closed ${JSON.stringify(this.closed)}, last:\n${last}`,
          ),
        );
      }, timeout);
      this.watchers.add(check);
      check();
    });
  }

  /** Each frame once: tests ask after every frame. */
  private parse(): void {
    for (let at = this.parsed.length; at < this.frames.length; at++) {
      const envelope = JSON.parse(String(this.frames[at])) as Envelope;
      this.parsed.push(envelope);
      this.byType[envelope.messageType].push(envelope);
    }
  }

  async close(): Promise<void> {
    if (this.closed !== undefined) return;
    this.ws.close();
    await this.until(() => this.closed !== undefined);
  }
}
