import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../telemetry/logger.ts';

export function pathOf(request: IncomingMessage): string {
  return request.url?.split('?', 1)[0] ?? '/';
}

/** Node leaves the body of an answer to HEAD out by itself. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(text);
}

/** `code` is for programs, `message` for people. */
export function sendError(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendJson(response, status, { error: { code, message } }, headers);
}

/** Answers everything but GET and HEAD with 405; true when it did. */
export function refuseMethod(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method === 'GET' || request.method === 'HEAD') return false;
  sendError(response, 405, 'method_not_allowed', `${request.method} is not possible here; use GET`, {
    allow: 'GET, HEAD',
  });
  return true;
}

/** What was thrown goes to the log, not to whoever asked. */
export function sendFailure(response: ServerResponse, path: string, error: unknown, logger: Logger): void {
  logger.error({ error, path }, 'an HTTP request could not be answered');
  if (response.headersSent) response.destroy();
  else sendError(response, 500, 'internal', 'this request failed; the log of the gateway says why');
}
