import type { WebSocket } from 'ws';
import { TestClient } from './client.ts';

/** A client of the chat protocol: lines of text. */
export class ChatClient {
  readonly client: TestClient;
  readonly name: string;
  private readonly read: string[] = [];

  private constructor(client: TestClient, name: string) {
    this.client = client;
    this.name = name;
  }

  /** `path` is the encoded name, with a query where there is one. Resolves with the first line, or the close. */
  static async join(port: number, path: string, options: WebSocket.ClientOptions = {}): Promise<ChatClient> {
    const client = await TestClient.open(`ws://127.0.0.1:${port}/chat/${path}`, options);
    const chat = new ChatClient(client, path.replace(/\?.*/, ''));
    await client.until(() => client.frames.length > 0 || client.closed !== undefined);
    return chat;
  }

  get lines(): readonly string[] {
    for (let at = this.read.length; at < this.client.frames.length; at += 1)
      this.read.push(String(this.client.frames[at]));
    return this.read;
  }

  get closed(): TestClient['closed'] {
    return this.client.closed;
  }

  /** Whether it was greeted. */
  get isIn(): boolean {
    return this.lines[0] === `Hi ${this.name}! You have succesfully connected to the chat`;
  }

  say(line: string): void {
    this.client.ws.send(line);
  }

  hears(line: string, timeout?: number): Promise<void> {
    return this.until(() => this.lines.includes(line), timeout);
  }

  until(condition: () => boolean, timeout?: number): Promise<void> {
    return this.client.until(condition, timeout);
  }

  close(): Promise<void> {
    return this.client.close();
  }
}
