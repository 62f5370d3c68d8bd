import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Whether a request asks for a WebSocket (RFC 6455 4.2.1), not for another protocol such as h2c. */
export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return (headers.upgrade ?? '').split(',').some((protocol) => protocol.trim().toLowerCase() === 'websocket');
}

/**
 * Serves a request whose upgrade the server does not offer as if it had not asked for one (RFC 9110 7.8): Java's HttpClient and
 * `curl --http2` ask for h2c with every plain request. Node has given the connection up by then, so it ends with the answer.
 */
export function ignoreUpgrade(server: Server, request: IncomingMessage, socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  // A server that listens on a port has no other sockets.
  response.assignSocket(socket as Socket);
  response.once('finish', () => {
    response.detachSocket(socket as Socket);
    (socket as Socket).destroySoon();
  });
  server.emit('request', request, response);
}
