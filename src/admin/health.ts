import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../telemetry/logger.ts';
import { fixedPathOf, refuseMethod, sendFailure, sendJson } from './respond.ts';

/** What a gateway reports of itself; there may be further facts. */
export interface HealthReport {
  readonly version: string;
  readonly driver: string;
  readonly log: 'up' | 'down';
  readonly connections: number;
  readonly [fact: string]: unknown;
}

export interface ReadyReport {
  readonly driver: string;
  /** Why this gateway takes no traffic, as text for the operator; empty when it does. */
  readonly reasons: readonly string[];
}

export interface HealthSources {
  health(): HealthReport;
  ready(): ReadyReport;
}

/** Answers a request, or returns false when its path is not its own. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * GET /health: 200 as long as the process can answer. GET /ready: 200 when the gateway takes traffic, else 503 with all
 * reasons. Both are the same on the admin port and on every listener.
 */
export function createHealthHandler(sources: HealthSources, logger: Logger): RequestHandler {
  return (request, response) => {
    const path = fixedPathOf(request);
    if (path !== '/health' && path !== '/ready') return false;
    if (refuseMethod(request, response)) return true;
    try {
      if (path === '/health') sendHealth(response, sources.health());
      else sendReady(response, sources.ready());
    } catch (error) {
      sendFailure(response, path, error, logger);
    }
    return true;
  };
}

function sendHealth(response: ServerResponse, report: HealthReport): void {
  sendJson(response, 200, { status: 'healthy', timestamp: new Date().toISOString(), ...report });
}

function sendReady(response: ServerResponse, report: ReadyReport): void {
  const isReady = report.reasons.length === 0;
  sendJson(response, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not_ready', ...report });
}
