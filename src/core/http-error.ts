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
 * and does not say what is wrong. `answered` is called for each.
 */
export function answerMalformed(
  server: Server,
  bodyOf: (status: number, message: string, code: MalformedCode) => string = malformedBody,
  answered: (code: MalformedCode) => void = () => {},
): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const [status, code, message] = MALFORMED.get(error.code ?? '') ?? (isTls(error) ? WITH_TLS : NOT_HTTP);
    answered(code);
    const body = bodyOf(status, message, code);
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
const MALFORMED: ReadonlyMap<string, Malformed> = new Map<string, Malformed>([
  ['HPE_HEADER_OVERFLOW', [431, 'headers_too_large', 'the headers of the request are too large']],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', [413, 'bad_request', 'the chunk extensions of the request are too large']],
  ['ERR_HTTP_REQUEST_TIMEOUT', [408, 'timeout', 'the request did not come in time']],
]);
const NOT_HTTP: Malformed = [400, 'bad_request', 'the request is not valid HTTP'];
const WITH_TLS: Malformed = [400, 'tls', 'this port has no TLS; use ws:// or http://'];

/** Whether the first bytes are a record of TLS with a handshake message (RFC 8446 5.1). */
function isTls(error: NodeJS.ErrnoException): boolean {
  const { rawPacket } = error as { rawPacket?: Buffer };
  return rawPacket?.[0] === 22 && rawPacket[1] === 3;
}

type Malformed = readonly [status: number, code: MalformedCode, message: string];
export type MalformedCode = 'headers_too_large' | 'bad_request' | 'timeout' | 'tls';

function malformedBody(_status: number, message: string, code: MalformedCode): string {
  return errorBody(code, message);
}

export const JSON_TYPE = 'application/json; charset=utf-8';
