import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { answerMalformed } from '../../../src/core/http-error.ts';

/** What a client gets whose request ends with an error of that code, and whether its socket is gone then. */
async function answered(code: string | undefined, isWritable = true) {
  const server = createServer();
  answerMalformed(server, (status, message) => `${status}: é ${message}`);
  let written = '';
  const socket = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      written += String(chunk);
      done();
    },
  });
  if (!isWritable) socket.end();
  server.emit('clientError', Object.assign(new Error('why'), code === undefined ? {} : { code }), socket);
  await new Promise((resolve) => setImmediate(resolve));
  return { written, isGone: socket.destroyed };
}

for (const [code, line, message] of [
  [undefined, '400 Bad Request', '400: é the request is not valid HTTP'],
  ['HPE_INVALID_METHOD', '400 Bad Request', '400: é the request is not valid HTTP'],
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large', '431: é the headers of the request are too large'],
  [
    'HPE_CHUNK_EXTENSIONS_OVERFLOW',
    '413 Payload Too Large',
    '413: é the chunk extensions of the request are too large',
  ],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout', '408: é the request did not come in time'],
] as const) {
  test(`a request that ends with ${code} is answered by ${line}, and its socket is closed`, async () => {
    const { written, isGone } = await answered(code);
    const head = [`HTTP/1.1 ${line}`, 'Connection: close', 'Content-Type: application/json; charset=utf-8'];
    assert.equal(written, `${head.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`);
    assert.equal(isGone, true);
  });
}

test('a connection that was reset, or takes nothing any more, is closed without an answer', async () => {
  assert.deepEqual(await answered('ECONNRESET'), { written: '', isGone: true });
  assert.deepEqual(await answered('HPE_INVALID_METHOD', false), { written: '', isGone: true });
});
