import type { WebSocket } from 'ws';
import { TestClient } from './client.ts';

export interface RoomFrame {
  readonly type: string;
  readonly clientId?: string;
  readonly clients?: readonly string[];
  readonly from?: string | null;
  readonly message?: unknown;
  readonly timestamp?: string;
}

/** A client of the rooms protocol, which derives the members of the room from the messages that it receives. */
export class RoomClient {
  readonly client: TestClient;
  private readonly parsed: RoomFrame[] = [];
  private readonly members = new Set<string>();

  private constructor(client: TestClient) {
    this.client = client;
  }

  /** Resolves once it is welcomed, or closed. */
  static async join(url: string, options: WebSocket.ClientOptions = {}): Promise<RoomClient> {
    const room = new RoomClient(await TestClient.open(url, options));
    await room.until(() => room.of('welcome').length > 0 || room.closed !== undefined);
    return room;
  }

  get id(): string {
    return this.of('welcome')[0]?.clientId ?? '';
  }

  get closed(): TestClient['closed'] {
    return this.client.closed;
  }

  get frames(): readonly RoomFrame[] {
    this.read();
    return this.parsed;
  }

  /** The members of the room, sorted, as this client knows them. */
  get room(): readonly string[] {
    this.read();
    return [...this.members].sort();
  }

  of(type: string): readonly RoomFrame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  send(frame: Readonly<Record<string, unknown>>): void {
    this.client.ws.send(JSON.stringify(frame));
  }

  until(condition: () => boolean, timeout?: number): Promise<void> {
    return this.client.until(condition, timeout);
  }

  /** Resolves once this client knows of these members and no others. */
  knows(members: readonly string[], timeout?: number): Promise<void> {
    const expected = [...members].sort().join();
    return this.until(() => this.room.join() === expected, timeout);
  }

  close(): Promise<void> {
    return this.client.close();
  }

  /** Each frame once: tests ask after every frame. */
  private read(): void {
    for (let at = this.parsed.length; at < this.client.frames.length; at += 1) {
      const frame = JSON.parse(String(this.client.frames[at])) as RoomFrame;
      this.parsed.push(frame);
      if (frame.type === 'client-connected') this.members.add(frame.clientId ?? '');
      else if (frame.type === 'client-disconnected') this.members.delete(frame.clientId ?? '');
      else if (frame.type === 'client-list') this.list(frame.clients ?? []);
    }
  }

  private list(clients: readonly string[]): void {
    this.members.clear();
    for (const client of clients) this.members.add(client);
  }
}
