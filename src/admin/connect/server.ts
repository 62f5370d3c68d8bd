import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BelongsElsewhere, ConnectRefusal, rebalancing } from '../../actors/connectors/refusal.ts';
import { TidegateError } from '../../core/errors.ts';
import { writeJson } from '../../core/exact-number.ts';
import { answerMalformed } from '../../core/http-error.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Answer, Call } from './call.ts';
import { FORWARDED, type ForwardedAnswer, forward, isForwarded } from './forwarding.ts';
import { findRoute, type Route } from './routes.ts';

export interface ConnectServerOptions {
  /** 0 for any free one. */
  readonly port: number;
  readonly host: string;
  readonly routes: readonly Route[];
  /** By which gateways know each other's calls; undefined while there is none. */
  readonly sessionKey: () => string | undefined;
  /** Whether the group knows a gateway, by its id. */
  readonly isThere: (worker: string) => boolean;
  /** Told of each answer. */
  readonly answered: (status: number, isForwarded: boolean) => void;
  readonly now: () => number;
  readonly logger: Logger;
}

/** Settings of a connector are small; nobody needs to send us more. */
const MOST_BYTES = 1_048_576;
/** How long an answer that is being written may take at a stop, in milliseconds. */
const STOP_PATIENCE = 1_000;

/** The port of the Kafka Connect REST API. */
export class ConnectServer {
  private readonly options: ConnectServerOptions;
  private readonly server: Server;

  constructor(options: ConnectServerOptions) {
    this.options = options;
    this.server = createServer((request, response) => void this.serve(request, response));
    answerMalformed(this.server, (error_code, message) => JSON.stringify({ error_code, message }));
  }

  /** Resolves with the bound port. Rejects with TG_LISTEN_FAILED. */
  start(): Promise<number> {
    const { port, host } = this.options;
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) => reject(listenFailed(error, port, host));
      this.server.once('error', failed);
      this.server.listen(port, host, () => {
        this.server.off('error', failed);
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  /** Lets answers that are being written end, then closes every connection. */
  stop(): Promise<void> {
    if (!this.server.listening) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.server.closeAllConnections(), STOP_PATIENCE);
      this.server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      this.server.closeIdleConnections();
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await readBody(request);
      send(response, await this.answer(request, body));
    } catch (error) {
      // Who has hung up in the middle of a body waits for nothing.
      if (request.errored !== null) return;
      send(response, this.failure(request, error));
    }
    this.options.answered(response.statusCode, request.headers[FORWARDED] !== undefined);
  }

  private async answer(request: IncomingMessage, body: Buffer): Promise<Answer | ForwardedAnswer> {
    const { routes, sessionKey, now } = this.options;
    const { method = 'GET', url: target = '/' } = request;
    const [path = '/', query = ''] = target.split('?', 2);
    const found = findRoute(routes, method, path);
    if (found === undefined) throw new ConnectRefusal(404, 'HTTP 404 Not Found');
    if ('allow' in found) return refusedMethod(method, found.allow);
    refuseMedia(request, body);
    const forwardable = { method, target, body };
    const wasForwarded = isForwarded(headerOf(request, FORWARDED), forwardable, sessionKey(), now());
    const call: Call = {
      ...{ method, path, body, params: found.params },
      query: new URLSearchParams(query),
      isForwarded: wasForwarded,
    };
    try {
      return await found.handle(call);
    } catch (error) {
      if (!(error instanceof BelongsElsewhere)) throw error;
      const key = sessionKey();
      // Two gateways that each think of the other would send it to and fro.
      if (wasForwarded || key === undefined) throw rebalancing();
      const { id, url } = error.owner;
      return await forward(url, forwardable, {
        key,
        now: now(),
        isThere: () => this.options.isThere(id),
        failed: (why) =>
          this.options.logger.warn(
            { path, url },
            `a call could not be sent on to the gateway at ${url}, which has to do it: ${why}`,
          ),
      });
    }
  }

  private failure({ url }: IncomingMessage, error: unknown): Answer {
    if (error instanceof ConnectRefusal) return refusal(error.status, error.message);
    this.options.logger.error({ error, path: url }, 'a call of the Connect API could not be answered');
    const isAway = error instanceof TidegateError && error.retryable;
    return refusal(
      isAway ? 503 : 500,
      isAway ? `The log is not available: ${error.message}` : 'This call failed; the log of the gateway says why',
    );
  }
}

function refusal(status: number, message: string): Answer {
  return { status, body: { error_code: status, message } };
}

function refusedMethod(method: string, allowed: readonly string[]): Answer {
  const allow = [...(allowed.includes('GET') ? ['HEAD'] : []), ...allowed, 'OPTIONS'].join(', ');
  if (method === 'OPTIONS') return { status: 200, headers: { allow } };
  return { ...refusal(405, 'HTTP 405 Method Not Allowed'), headers: { allow } };
}

/** What a browser can send to us from a page of somebody else has another type. */
function refuseMedia(request: IncomingMessage, body: Buffer): void {
  const type = headerOf(request, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (body.length > 0 && type !== 'application/json') throw new ConnectRefusal(415, 'HTTP 415 Unsupported Media Type');
  const accept = headerOf(request, 'accept');
  if (accept !== undefined && !/application\/(json|\*)|\*\/\*/.test(accept))
    throw new ConnectRefusal(406, 'HTTP 406 Not Acceptable');
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** What is too large is read to its end all the same: a caller who still sends does not look for an answer. */
function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MOST_BYTES) chunks.push(chunk);
      else chunks = [];
    });
    request.once('end', () => {
      if (bytes <= MOST_BYTES) resolve(Buffer.concat(chunks));
      else reject(new ConnectRefusal(413, `The request is larger than ${MOST_BYTES} bytes`));
    });
    request.once('error', reject);
  });
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer | ForwardedAnswer): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const bytes =
    body === undefined ? Buffer.alloc(0) : Buffer.isBuffer(body) ? body : Buffer.from(writeJson(body) ?? '');
  response.writeHead(status, {
    ...(bytes.length === 0 ? {} : { 'content-type': 'application/json' }),
    ...(status === 204 ? {} : { 'content-length': bytes.length }),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(status === 204 ? undefined : bytes);
}

function listenFailed(error: NodeJS.ErrnoException, port: number, host: string): TidegateError {
  const reason = error.code === 'EADDRINUSE' ? 'another program uses it' : error.message;
  return new TidegateError(
    'TG_LISTEN_FAILED',
    `the Connect API cannot listen on ${host}:${port}: ${reason}; set connect.port (CONNECT_PORT in our own files, listeners in a worker's properties) to a free one`,
    error,
  );
}
