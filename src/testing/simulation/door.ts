import { EventEmitter } from 'node:events';
import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { EndpointConfig } from '../../config/index.ts';
import { TidegateError } from '../../core/errors.ts';
import type { ProgramServer } from '../../transports/websocket/attached.ts';
import { MemoryClient } from './client.ts';
import type { Identities } from './identities.ts';

/** How a client comes. */
export interface ConnectOptions {
  /** Path of the request; that of the endpoint if left out, which has to be given where it has parameters. */
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Further headers, such as authorization and origin. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Subprotocols that it offers, the one that it prefers first. */
  readonly protocol?: string | readonly string[];
  /** Claims that count as if a token of the client had them: it needs none then. */
  readonly identity?: Readonly<Record<string, unknown>>;
  /** IP address that it comes from; 127.0.0.1 if left out. */
  readonly remote?: string;
}

/** RFC 6455 4.1 asks for 16 bytes; what they are does not matter without a proxy. */
const KEY = Buffer.alloc(16).toString('base64');

/** The listeners of a gateway, without ports: clients come in by their handshakes. */
export class Door {
  readonly servers: Readonly<Record<string, ProgramServer>>;
  private readonly clients = new Set<MemoryClient>();

  constructor(listeners: readonly string[]) {
    const server = () => Object.assign(new EventEmitter(), { address: () => null }) as unknown as ProgramServer;
    this.servers = Object.fromEntries(listeners.map((name) => [name, server()]));
  }

  /** Sends the handshake of a client. */
  enter(name: string, endpoint: EndpointConfig, options: ConnectOptions, identities: Identities, moved: () => void) {
    const client = new MemoryClient(name, options.remote ?? '127.0.0.1', moved);
    this.clients.add(client);
    const request = handshakeOf(client, pathOf(name, endpoint, options), options);
    if (options.identity !== undefined) {
      if (endpoint.auth === undefined)
        throw new TidegateError(
          'TG_CONFIG_INVALID',
          `endpoints.${name} has no auth, so no client of it has an identity`,
        );
      identities.vouch(request.headers, options.identity);
    }
    this.servers[endpoint.listener]?.emit('upgrade', request, client.stream, Buffer.alloc(0));
    return client;
  }

  /** Cuts all clients, as when the process of the gateway ends. */
  cut(): void {
    for (const client of this.clients) client.stream.destroy();
    this.clients.clear();
  }
}

function pathOf(name: string, { path: [first = '/'] }: EndpointConfig, { path = first, query = {} }: ConnectOptions) {
  if (path.includes('{') || path === '*')
    throw new TidegateError(
      'TG_CONFIG_INVALID',
      `endpoints.${name}.path is ${path}; say with path: which path the client asks for`,
    );
  const search = new URLSearchParams(query).toString();
  return search === '' ? path : `${path}?${search}`;
}

function handshakeOf(client: MemoryClient, url: string, { headers = {}, protocol = [] }: ConnectOptions) {
  const request = new IncomingMessage(client.stream as unknown as Socket);
  const offered = [protocol].flat().join(', ');
  const all = {
    host: 'localhost',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': KEY,
    ...(offered === '' ? {} : { 'sec-websocket-protocol': offered }),
    ...Object.fromEntries(Object.entries(headers).map(([header, value]) => [header.toLowerCase(), value])),
  };
  Object.assign(request, { method: 'GET', url, httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1 });
  request.headers = all;
  request.rawHeaders = Object.entries(all).flat();
  return request;
}
