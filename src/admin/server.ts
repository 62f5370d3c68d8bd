import type { IncomingMessage, ServerResponse } from 'node:http';
import { TidegateError } from '../core/errors.ts';
import { answerMalformed } from '../core/http-error.ts';
import { bind, closeGently } from '../core/http-port.ts';
import { createTimedServer, HTTP_TIMEOUTS } from '../core/http-timeouts.ts';
import { listenFault } from '../core/listen-fault.ts';
import { OneAtATime } from '../core/one-at-a-time.ts';
import type { ServerTls } from '../core/server-tls.ts';
import { TAP_PATH } from '../core/tap.ts';
import { WaitingConnections } from '../core/waiting-connections.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Stats } from '../telemetry/stats.ts';
import type { Callers } from './callers.ts';
import { challengeHeaders, type Guard } from './guard.ts';
import { createHealthHandler, type HealthSources, type RequestHandler } from './health.ts';
import { gets, HttpMetrics } from './http-metrics.ts';
import { answerReload, RELOAD_PATH, type ReloadPort } from './reload.ts';
import { fixedPathOf, pathOf, refuseMethod, sendError, sendFailure } from './respond.ts';
import { type TapPort, Taps } from './tap.ts';

export interface AdminOptions extends HealthSources {
  /** 0 for any free one. */
  readonly port: number;
  /** Address to bind; all of them where it is left out. */
  readonly host?: string;
  /** Answers a scrape. */
  readonly metrics: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly stats: Stats;
  readonly callers: Callers;
  /** For everything but /health, /ready and /metrics. */
  readonly guard: Guard;
  /** Shows operators the messages of pipelines. Left out: there are none to show. */
  readonly taps?: TapPort;
  /** Left out: the configuration does not change. */
  readonly reloads?: ReloadPort;
  readonly tls?: ServerTls | undefined;
  readonly logger: Logger;
}

export interface AdminServer {
  /** Resolves with the bound port. Rejects with TG_LISTEN_FAILED. */
  start(): Promise<number>;
  /** Lets answers that are being written end, then closes every connection. */
  stop(): Promise<void>;
}

/** Connections of this port at a time, as one client must not take all files of the process. */
const MAX_CONNECTIONS = 16;

/** The operator's port: /health, /ready and /metrics. */
export function createAdminServer(options: AdminOptions): AdminServer {
  const health = createHealthHandler(options, options.logger);
  const taps = options.taps === undefined ? undefined : new Taps(options.taps);
  const http = new HttpMetrics(options.stats, 'admin', [
    ...gets('/health', '/ready', '/metrics', TAP_PATH, RELOAD_PATH),
    { method: 'POST', path: RELOAD_PATH },
  ]);
  const serve = new OneAtATime().serving((request, response) => {
    http.watch(request, response, fixedPathOf(request));
    answer(request, response, options, { health, taps });
  });
  const server = createTimedServer(HTTP_TIMEOUTS, serve, { tls: options.tls });
  new WaitingConnections(() => MAX_CONNECTIONS).watch(server);
  answerMalformed(server);
  return {
    start: () => bind(server, options, (error) => listenFailed(error, options.port, options.host)),
    stop: () => {
      options.tls?.close();
      return closeGently(server);
    },
  };
}

interface Handlers {
  readonly health: RequestHandler;
  readonly taps: Taps | undefined;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: AdminOptions,
  { health, taps }: Handlers,
): void {
  const failed = (error: unknown) => sendFailure(response, pathOf(request), error, options.logger);
  try {
    const refusal = options.callers.refusal(request);
    if (refusal !== undefined) {
      sendError(response, 403, refusal.reason, refusal.message);
      return;
    }
    if (health(request, response)) return;
    if (fixedPathOf(request) !== '/metrics') answerOperator(request, response, options, taps).catch(failed);
    else if (!refuseMethod(request, response)) options.metrics(request, response).catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** What is not for everyone who reaches the port. */
async function answerOperator(
  request: IncomingMessage,
  response: ServerResponse,
  { guard, reloads }: AdminOptions,
  taps: Taps | undefined,
): Promise<void> {
  const refusal = await guard.refusal(request);
  if (refusal === undefined) {
    if (taps?.answer(request, response) === true) return;
    if (reloads !== undefined && (await answerReload(request, response, reloads))) return;
    sendError(response, 404, 'not_found', 'there is nothing here; try /health, /ready or /metrics');
    return;
  }
  const { status, reason, message } = refusal;
  sendError(response, status, reason, message, challengeHeaders(refusal));
}

function listenFailed(error: NodeJS.ErrnoException, port: number, host: string | undefined): TidegateError {
  const place = host === undefined ? `port ${port}` : `${host}:${port}`;
  const reason = listenFault(error, port);
  return new TidegateError(
    'TG_LISTEN_FAILED',
    `the admin server cannot listen on ${place}: ${reason}; set admin.port (ADMIN_PORT in our own files) to a free one`,
    error,
  );
}
