import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { ChatClient } from '../helpers/chat-client.ts';
import { type GatewayProcess, startGateway, until } from '../helpers/gateway-process.ts';
import { RoomClient } from '../helpers/room-client.ts';

type Endpoint = 'rooms' | 'chat';

/** Gateways with one room and one chat, and the faults that a test can cause as verbs. */
export class RoomGateways {
  private readonly t: TestContext;
  private readonly env: Readonly<Record<string, string>>;

  constructor(t: TestContext, brokers: string, room: { readonly topic: string; readonly lease: string }) {
    this.t = t;
    this.env = { KAFKA_BROKERS: brokers, TOPIC: room.topic, LEASE: room.lease };
  }

  /** Resolves with a gateway that is ready. */
  async start(): Promise<RoomGateway> {
    const process = await startGateway(this.t, { config: 'test/fixtures/members.yaml', env: this.env });
    await process.ready();
    return new RoomGateway(process);
  }

  startTwo(): Promise<[RoomGateway, RoomGateway]> {
    return Promise.all([this.start(), this.start()]);
  }
}

export class RoomGateway {
  private readonly process: GatewayProcess;

  constructor(process: GatewayProcess) {
    this.process = process;
  }

  joinRoom(): Promise<RoomClient> {
    return RoomClient.join(`ws://127.0.0.1:${this.process.port}/ws`);
  }

  joinChat(name: string): Promise<ChatClient> {
    return ChatClient.join(this.process.port, name);
  }

  /** The process does nothing until it thaws; its sockets stay open. */
  freeze(): void {
    this.process.process.kill('SIGSTOP');
  }

  thaw(): void {
    this.process.process.kill('SIGCONT');
  }

  ready(): Promise<void> {
    return this.process.ready();
  }

  async metric(name: string, endpoint: Endpoint): Promise<number> {
    const { body } = await this.process.get('/metrics');
    const line = new RegExp(`^${name}\\{[^}]*endpoint="${endpoint}"[^}]*\\} (\\d+)`, 'm').exec(body);
    assert.ok(line, `there is no ${name} of ${endpoint}`);
    return Number(line[1]);
  }

  async hasMembers(count: number, endpoint: Endpoint): Promise<void> {
    await until(
      async () => (await this.metric('tidegate_presence_members', endpoint)) === count,
      10_000,
      () => `not ${count} members:\n${this.process.output()}`,
    );
  }
}
