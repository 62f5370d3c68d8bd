import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { TLSSocket } from 'node:tls';
import { explainAuthority, explainValidity } from '../core/certificate.ts';
import type { Clock } from '../core/clock.ts';
import { readBody } from '../core/http-body.ts';

/** Bytes of an answer; a set of keys has a few thousand. */
const MAX_BYTES = 262_144;

export interface JwksRequest {
  readonly url: string;
  /** Milliseconds for all of it: connect, request and the last byte of the answer. */
  readonly timeout: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * The text that a key server answers with. Rejects with an Error that says why there is none. Redirects are not followed: who
 * can make the server send one would choose the keys.
 */
export function requestJwks({ url, timeout, clock, signal }: JwksRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const send = url.toLowerCase().startsWith('https:') ? requestHttps : requestHttp;
    // A connection of its own: there is one request in minutes.
    const headers = { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity' };
    const sent = send(url, { agent: false, headers, signal }, (response) => {
      readAnswer(response).then((text) => settle(() => resolve(text)), fail);
    });
    const settle = (done: () => void) => {
      cancelTimeout();
      sent.destroy();
      done();
    };
    const fail = (error: Error) => settle(() => reject(error));
    const cancelTimeout = clock.after(timeout, () =>
      fail(new Error(`there was no complete answer within ${timeout} ms`)),
    );
    sent.on('error', fail);
    sent.on('socket', (socket) => {
      if (!(socket instanceof TLSSocket)) return;
      explainValidity(socket);
      explainAuthority(socket, 'start the gateway with NODE_EXTRA_CA_CERTS=/path/of/its/ca.crt');
    });
    sent.end();
  });
}

async function readAnswer(response: IncomingMessage): Promise<string> {
  const { statusCode = 0, headers } = response;
  if (statusCode >= 300 && statusCode < 400)
    throw new Error(`it answered ${statusCode}, and redirects are not followed; set the URL that it leads to`);
  if (statusCode !== 200) throw new Error(`it answered ${statusCode}`);
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new Error('its answer is compressed, which was not asked for');
  const body = await readBody(response, MAX_BYTES);
  if (body === undefined) throw new Error(`its answer has more than ${MAX_BYTES} bytes`);
  return body.toString();
}
