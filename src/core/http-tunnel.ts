import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { displayUrl } from './secrets.ts';

/** A connection to a server of HTTP or WebSocket that a proxy has made (RFC 9110 9.3.6). */
export interface Tunnel {
  readonly socket: Socket;
  /** Whether TLS is due inside it, and the name to ask for there. */
  readonly isSecure: boolean;
  readonly servername: string | undefined;
  destroy(): void;
}

/** The connection for a client of HTTP or WebSocket, within TLS where that is due. */
export function connectionThrough({ socket, isSecure, servername }: Tunnel, files: ConnectionOptions = {}): Socket {
  if (!isSecure) return socket;
  return connectTls({ ...files, socket, servername: files.servername ?? servername });
}

/** `url`: where to. Rejects with an Error that names the proxy. */
export function openTunnel(proxy: string, url: string, signal: AbortSignal): Promise<Tunnel> {
  const { protocol, hostname, port } = new URL(url);
  const isSecure = protocol === 'wss:' || protocol === 'https:';
  const address = `${hostname}:${port || (isSecure ? 443 : 80)}`;
  const name = displayUrl(proxy);
  const through = new URL(proxy);
  const isSecureProxy = through.protocol === 'https:';
  const host = unbracketed(hostname);
  return new Promise((resolve, reject) => {
    const request = (isSecureProxy ? requestHttps : requestHttp)({
      host: unbracketed(through.hostname),
      port: through.port || (isSecureProxy ? 443 : 80),
      method: 'CONNECT',
      path: address,
      agent: false,
      signal,
      headers: { host: address, ...credentials(through) },
    });
    request.once('connect', (response, socket, head) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        reject(new Error(refusal(name, response.statusCode ?? 0)));
        return;
      }
      // A server does not speak first in TLS nor in a WebSocket handshake.
      if (head.length > 0) socket.unshift(head);
      resolve({
        socket: socket as Socket,
        isSecure,
        servername: isIP(host) === 0 ? host : undefined,
        destroy: () => socket.destroy(),
      });
    });
    request.once('response', (response) => {
      response.destroy();
      reject(new Error(refusal(name, response.statusCode ?? 0)));
    });
    request.once('error', (error) => reject(new Error(`the proxy ${name} cannot be reached: ${error.message}`)));
    request.end();
  });
}

function refusal(name: string, status: number): string {
  const advice = status === 407 ? '; check user and password in the setting proxy' : '';
  return `the proxy ${name} answers ${status}${advice}`;
}

function credentials({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** The address of an IPv6 host. */
function unbracketed(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
