import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { SecureContextOptions } from 'node:tls';
import type { Callers } from '../../admin/callers.ts';
import { challengeHeaders, type Guard } from '../../admin/guard.ts';
import { HttpMetrics, OTHER_ROUTE } from '../../admin/http-metrics.ts';
import { pathOf } from '../../admin/respond.ts';
import { TidegateError } from '../../core/errors.ts';
import { writeJson } from '../../core/exact-number.ts';
import { answerMalformed } from '../../core/http-error.ts';
import { bind, closeGently } from '../../core/http-port.ts';
import { createTimedServer, HTTP_TIMEOUTS } from '../../core/http-timeouts.ts';
import { listenFault } from '../../core/listen-fault.ts';
import { OneAtATime } from '../../core/one-at-a-time.ts';
import type { ServerTls } from '../../core/server-tls.ts';
import { WaitingConnections } from '../../core/waiting-connections.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Stats } from '../../telemetry/stats.ts';
import { BelongsElsewhere, ConnectRefusal, rebalancing } from '../cluster/refusal.ts';
import type { Answer, Call } from './call.ts';
import type { Cors } from './cors.ts';
import { FORWARDED, type ForwardedAnswer, forward, isForwarded } from './forwarding.ts';
import { findRoute, patternOf, type Route } from './routes.ts';

export interface ConnectServerOptions {
  /** 0 for any free one. */
  readonly port: number;
  readonly host: string;
  readonly routes: readonly Route[];
  readonly callers: Callers;
  readonly guard: Guard;
  /** Pages of other origins that may call; none where it is left out. */
  readonly cors?: Cors;
  /** The key that signs calls between gateways; undefined while there is none. */
  readonly sessionKey: () => string | undefined;
  /** Whether a gateway is in the group, by its id. */
  readonly isThere: (worker: string) => boolean;
  /** Called for each answer. */
  readonly answered: (status: number, isForwarded: boolean) => void;
  readonly now: () => number;
  readonly tls?: ServerTls | undefined;
  /** What calls of other gateways are made with. Throws an Error where a file cannot be read. */
  readonly callTls?: () => SecureContextOptions | undefined;
  readonly stats: Stats;
  readonly logger: Logger;
}

/** Bytes of a request; settings of a connector are small. */
const MAX_BYTES = 1_048_576;
/** Connections of this port at a time, without those whose call has come and is being answered: one client must not take all files of the process. */
const MAX_CONNECTIONS = 16;
/** A call may have to wait for a rebalance, or for another gateway. */
const TIMEOUTS = { ...HTTP_TIMEOUTS, idle: 120_000 };

/** The port of the Kafka Connect REST API. */
export class ConnectServer {
  private readonly options: ConnectServerOptions;
  private readonly server: Server;
  private readonly http: HttpMetrics;

  constructor(options: ConnectServerOptions) {
    this.options = options;
    this.http = new HttpMetrics(options.stats, 'connect', options.routes);
    const serve = new OneAtATime().serving((request, response) => void this.serve(request, response));
    this.server = createTimedServer(TIMEOUTS, serve, { tls: options.tls });
    new WaitingConnections(() => MAX_CONNECTIONS).watchIdle(this.server);
    answerMalformed(this.server, (error_code, message) => JSON.stringify({ error_code, message }));
  }

  /** Resolves with the bound port. Rejects with TG_LISTEN_FAILED. */
  start(): Promise<number> {
    const { port, host } = this.options;
    return bind(this.server, { port, host }, (error) => listenFailed(error, port, host));
  }

  /** Lets answers that are being written end, then closes every connection. */
  stop(): Promise<void> {
    this.options.tls?.close();
    return closeGently(this.server);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { cors, routes } = this.options;
    this.http.watch(request, response, patternOf(routes, pathOf(request)) ?? OTHER_ROUTE);
    for (const [name, value] of Object.entries(cors?.fieldsFor(request) ?? {})) response.setHeader(name, value);
    try {
      const body = await readBody(request);
      send(response, await this.answer(request, body));
    } catch (error) {
      // A caller that has disconnected in the middle of a body does not wait for an answer.
      if (request.errored !== null) return;
      send(response, this.failure(request, error));
    }
    this.options.answered(response.statusCode, request.headers[FORWARDED] !== undefined);
  }

  private async answer(request: IncomingMessage, body: Buffer): Promise<Answer | ForwardedAnswer> {
    const { routes, callers, guard, sessionKey, now } = this.options;
    const refused = callers.refusal(request);
    if (refused !== undefined) throw new ConnectRefusal(403, refused.message);
    const preflight = this.options.cors?.preflight(request);
    if (preflight !== undefined) return { status: 204, headers: preflight };
    const unidentified = await guard.refusal(request);
    if (unidentified !== undefined)
      return { ...refusal(unidentified.status, unidentified.message), headers: challengeHeaders(unidentified) };
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
      // Two gateways that each take the other for the owner would forward it forever.
      if (wasForwarded || key === undefined) throw rebalancing();
      const { id, url } = error.owner;
      return await forward(url, forwardable, {
        credentials: carriedCredentials(request),
        key,
        now: now(),
        tls: this.options.callTls?.(),
        isThere: () => this.options.isThere(id),
        failed: (why) =>
          this.options.logger.warn(
            { path, url },
            `a call could not be forwarded to the gateway at ${url}, which has to answer it: ${why}`,
          ),
      });
    }
  }

  private failure(request: IncomingMessage, error: unknown): Answer {
    if (error instanceof ConnectRefusal) return refusal(error.status, error.message);
    if (error instanceof TidegateError && error.next === 'reject')
      return refusal(error.code === 'TG_RECORD_TOO_LARGE' ? 413 : 500, `Error writing to the log: ${error.message}`);
    // The query may hold a token.
    this.options.logger.error({ error, path: pathOf(request) }, 'a call of the Connect API could not be answered');
    const isAway = error instanceof TidegateError && error.retryable;
    return refusal(
      isAway ? 503 : 500,
      isAway
        ? `The log is not available: ${error.message}`
        : 'This call failed; the log output of the gateway has the reason',
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

/** A page of another site cannot send this type without a preflight request. */
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

/** What the other gateway checks as well; a token in the query is part of the target. */
function carriedCredentials(request: IncomingMessage): Record<string, string> {
  const [authorization, cookie] = [headerOf(request, 'authorization'), headerOf(request, 'cookie')];
  return { ...(authorization === undefined ? {} : { authorization }), ...(cookie === undefined ? {} : { cookie }) };
}

/** A request that is too large is read to its end all the same: a caller that still sends does not read the answer. */
function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BYTES) chunks.push(chunk);
      else chunks = [];
    });
    request.once('end', () => {
      if (bytes <= MAX_BYTES) resolve(Buffer.concat(chunks));
      else reject(new ConnectRefusal(413, `The request is larger than ${MAX_BYTES} bytes`));
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
  const reason = listenFault(error, port);
  return new TidegateError(
    'TG_LISTEN_FAILED',
    `the Connect API cannot listen on ${host}:${port}: ${reason}; set connect.port (CONNECT_PORT in our own files, listeners in a worker's properties) to a free one`,
    error,
  );
}
