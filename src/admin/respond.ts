import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorBody, JSON_TYPE } from '../core/http-error.ts';
import type { Logger } from '../telemetry/logger.ts';

export function pathOf(request: IncomingMessage): string {
  return request.url?.split('?', 1)[0] ?? '/';
}

/** The path of an answer that has none below it: a slash at the end makes no other of it. */
export function fixedPathOf(request: IncomingMessage): string {
  const path = pathOf(request);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendText(response, status, `${JSON.stringify(body)}\n`, headers);
}

export function sendError(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendText(response, status, errorBody(code, message), headers);
}

/** Node leaves the body of an answer to HEAD out by itself. */
function sendText(
  response: ServerResponse,
  status: number,
  json: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, {
    'content-type': JSON_TYPE,
    'content-length': Buffer.byteLength(json),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(json);
}

/** What most paths are for. */
const READING = ['GET', 'HEAD'];

/** Answers every method with 405 that the path is not for; true when it did. */
export function refuseMethod(
  { method = '' }: IncomingMessage,
  response: ServerResponse,
  allowed: readonly string[] = READING,
): boolean {
  if (allowed.includes(method)) return false;
  const advice = allowed.filter((one) => one !== 'HEAD').join(' or ');
  sendError(response, 405, 'method_not_allowed', `${method} is not possible here; use ${advice}`, {
    allow: allowed.join(', '),
  });
  return true;
}

/** What was thrown goes to the log, not to the caller. */
export function sendFailure(response: ServerResponse, path: string, error: unknown, logger: Logger): void {
  logger.error({ error, path }, 'an HTTP request could not be answered');
  if (response.headersSent) response.destroy();
  else sendError(response, 500, 'internal', 'this request failed; the log of the gateway says why');
}
