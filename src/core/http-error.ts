import { type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * The body of each HTTP answer that is an error, on every port: `code` is for programs, `message` for people. Only the Kafka
 * Connect API has the form that its clients know.
 */
export function errorBody(code: string, message: string): string {
  return `${JSON.stringify({ error: { code, message } })}\n`;
}

/**
 * Answers what is not HTTP, or has headers that are too large, as other errors are: Node alone sends a status without a body
 * and says nothing of what is wrong.
 */
export function answerMalformed(
  server: Server,
  bodyOf: (status: number, message: string) => string = malformedBody,
): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const [status, message] = MALFORMED.get(error.code ?? '') ?? [400, 'the request is not valid HTTP'];
    const body = bodyOf(status, message);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Connection: close',
      `Content-Type: ${JSON_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
  });
}

/** Node's codes (https://nodejs.org/api/http.html#event-clienterror). */
const MALFORMED: ReadonlyMap<string, readonly [status: number, message: string]> = new Map([
  ['HPE_HEADER_OVERFLOW', [431, 'the headers of the request are too large']],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', [413, 'the chunk extensions of the request are too large']],
  ['ERR_HTTP_REQUEST_TIMEOUT', [408, 'the request did not come in time']],
]);

function malformedBody(status: number, message: string): string {
  return errorBody(status === 431 ? 'headers_too_large' : 'bad_request', message);
}

export const JSON_TYPE = 'application/json; charset=utf-8';
