import assert from 'node:assert/strict';
import type {
  Connect,
  RemoteEnd,
  RemoteHandler,
  RemoteRequest,
  RemoteSocket,
  RemoteTarget,
} from '../../../src/core/remote.ts';
import { type RemoteSinkSettings, sinkSettings as sinkSchema } from '../../../src/feeds/settings/sink-settings.ts';
import { type FeedSettings, sourceSettings } from '../../../src/feeds/settings/source-settings.ts';
import type { ComponentContext, ConnectedContext, GatewayPorts } from '../../../src/sdk/context.ts';
import { fakeContext } from '../pipelines/parts.ts';

/** A socket to a server that the test plays. */
export class FakeRemote implements RemoteSocket {
  bytesRead = 0;
  buffered = 0;
  unsent = 0;
  readonly target: RemoteTarget;
  readonly sent: string[] = [];
  readonly binaries: boolean[] = [];
  readonly pings: Buffer[] = [];
  readonly ponged: string[] = [];
  readonly orders: string[] = [];
  /** What `send` was given to call once the frame has left. */
  readonly unwritten: ((isWritten: boolean) => void)[] = [];
  isPaused = false;
  isEnded = false;
  /** Whether a server that is said goodbye to takes part. */
  isPolite = true;
  private readonly handler: RemoteHandler;
  /** Aborts when dialling is given up. */
  private readonly given = new AbortController();

  constructor(target: RemoteTarget, handler: RemoteHandler) {
    this.target = target;
    this.handler = handler;
  }

  send({ data, binary }: { data: Buffer | string; binary: boolean }, written?: (isWritten: boolean) => void): void {
    assert.ok(!this.isEnded, 'sent on a socket that has ended');
    this.sent.push(data.toString());
    this.binaries.push(binary);
    if (written !== undefined) this.unwritten.push(written);
  }

  ping(payload: Buffer): void {
    this.pings.push(payload);
  }

  pong(payload: Buffer): void {
    this.ponged.push(payload.toString());
  }

  pause(): void {
    this.orders.push('pause');
    this.isPaused = true;
  }

  resume(): void {
    this.orders.push('resume');
    this.isPaused = false;
  }

  close(code: number): void {
    this.orders.push(`close ${code}`);
    if (this.isPolite) this.ends({ kind: 'closed', code, reason: 'as asked' });
  }

  terminate(): void {
    this.orders.push('terminate');
    this.given.abort();
    this.ends({ kind: 'broken', code: 1006, reason: 'terminated' });
  }

  // --- what the server and the network do

  /** The token is there, and the handshake is asked for. Throws where it cannot be made. */
  asks(token?: string): RemoteRequest {
    const request = this.asksLater(token);
    assert.ok(!(request instanceof Promise), 'the request is not made at once');
    return request;
  }

  /** The same where JSONata, or another server, has to be asked. */
  asksLater(token?: string): RemoteRequest | Promise<RemoteRequest> {
    return this.target.request(token, this.given.signal);
  }

  /** Such a handshake is done. */
  async opensLater(token?: string): Promise<RemoteRequest> {
    const request = await this.asksLater(token);
    this.handler.onOpen(token);
    return request;
  }

  opens(token?: string): void {
    this.asks(token);
    this.handler.onOpen(token);
  }

  says(data: string | Buffer, binary = typeof data !== 'string'): void {
    this.bytesRead += data.length + 2;
    this.handler.onFrame(Buffer.from(data), binary);
  }

  asksPong(payload: string): void {
    this.bytesRead += payload.length + 2;
    this.handler.onPing?.(Buffer.from(payload));
  }

  pongs(payload: Buffer): void {
    this.bytesRead += payload.length + 2;
    this.handler.onPong(payload);
  }

  /** What was sent has left. */
  drains(): void {
    for (const written of this.unwritten.splice(0)) written(true);
  }

  ends(end: Partial<RemoteEnd> = {}): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.handler.onClose({ kind: 'broken', code: 1006, reason: 'the connection broke off', ...end });
  }
}

/** A network that remembers every socket that was dialled. */
export class FakeNetwork {
  readonly sockets: FakeRemote[] = [];
  mostAtOnce = 0;

  readonly connect: Connect = (target, handler) => {
    const socket = new FakeRemote(target, handler);
    this.sockets.push(socket);
    this.mostAtOnce = Math.max(this.mostAtOnce, this.alive.length);
    return socket;
  };

  get alive(): FakeRemote[] {
    return this.sockets.filter(({ isEnded }) => !isEnded);
  }

  /** The socket that was dialled last. */
  get last(): FakeRemote {
    const socket = this.sockets.at(-1);
    assert.ok(socket, 'nothing was dialled');
    return socket;
  }
}

/** Settings as the YAML has them, with the defaults filled in. */
export function feedSettings(settings: Record<string, unknown> = {}): FeedSettings {
  return sourceSettings.parse({ url: 'wss://feed.example/ws', ...settings });
}

export function sinkSettings(settings: Record<string, unknown> = {}): RemoteSinkSettings {
  return sinkSchema.parse({ url: 'wss://partner.example/ws', ...settings });
}

/** The context of a component that dials in this network. */
export function remoteContext(
  network: FakeNetwork,
  { gateway, ...changes }: Partial<ComponentContext> & { readonly gateway?: Partial<GatewayPorts> } = {},
): ConnectedContext {
  const { context } = fakeContext();
  return { ...context, ...changes, gateway: { ...context.gateway, dial: network.connect, ...gateway } };
}
