import type { TestContext } from 'node:test';
import type { Socket, SocketHandler } from '../../src/core/socket.ts';
import { WaitingConnections } from '../../src/core/waiting-connections.ts';
import { parseRoute } from '../../src/transports/websocket/route.ts';
import { WebSocketListener } from '../../src/transports/websocket/server.ts';
import type { HandshakeTarget } from '../../src/transports/websocket/target.ts';

/** Hears nothing of a socket: what a test leaves out. */
export const DEAF: SocketHandler = {
  onFrame: () => {},
  onPing: () => {},
  onPong: () => {},
  onDrain: () => {},
  onProtocolError: () => {},
  onClose: () => {},
};

/** A real listener with one endpoint at `/` that lets every client in. Resolves with its port. */
export async function oneEndpoint(
  t: TestContext,
  target: Pick<HandshakeTarget, 'compresses' | 'maxPayload' | 'memory'>,
  accept: (socket: Socket) => void,
): Promise<number> {
  const listener = new WebSocketListener({
    host: '127.0.0.1',
    port: 0,
    name: 'public',
    waiting: new WaitingConnections(
      () => 100,
      () => {},
    ),
    refused: () => {},
    unknown: () => {},
    onRequest: () => false,
    targets: [
      {
        ...target,
        name: 'prices',
        routes: [parseRoute('/')],
        isAllowed: () => true,
        protocols: [],
        checksParams: false,
        streams: false,
        refusal: () => undefined,
        refused: () => {},
        accept,
      },
    ],
  });
  const port = await listener.listen();
  t.after(() => listener.close());
  return port;
}
