import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { CONNECT_TIMEOUT_CODE, callHttp } from '../../core/http-call.ts';
import { ConnectRefusal, rebalancing } from '../cluster/refusal.ts';

/** Carries the time and the signature of a call that another gateway forwards. */
export const FORWARDED = 'x-tidegate-forwarded';
/** Milliseconds for which a signature is valid: clocks of gateways differ. */
const VALIDITY = 60_000;
/** Longest wait for the other gateway, in milliseconds. */
const TIMEOUT = 30_000;
/** Bytes of an answer; that with all connectors and their settings is the largest. */
const MAX_ANSWER = 67_108_864;
/** Milliseconds between checks whether the other gateway is still in the group. */
const CHECK_INTERVAL = 250;

/** Codes of a connection that was not made: nothing was sent. */
const UNCONNECTED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  CONNECT_TIMEOUT_CODE,
]);

export interface Forwardable {
  readonly method: string;
  /** With its query. */
  readonly target: string;
  readonly body: Buffer;
}

export interface ForwardOptions {
  /** Headers by which the caller says who it is. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Base64. */
  readonly key: string;
  readonly now: number;
  /** For https://. */
  readonly tls?: SecureContextOptions | undefined;
  /** Whether the gateway still is one of the cluster. */
  readonly isThere: () => boolean;
  /** Called with the reason if there is no answer. */
  readonly failed: (why: string) => void;
}

export interface ForwardedAnswer {
  readonly status: number;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Sends a call to the gateway that has to answer it, signed with the key that all gateways of the cluster have. Throws a
 * refusal with 409 if there is no connection to that gateway, or it leaves the cluster before it has answered: another one
 * will have to answer. Throws a refusal with 500 if it does not answer, as it may have made the change.
 */
export async function forward(
  url: string,
  call: Forwardable,
  { credentials, key, now, tls, isThere, failed }: ForwardOptions,
): Promise<ForwardedAnswer> {
  const gone = new AbortController();
  const timer = setInterval(() => {
    if (!isThere()) gone.abort();
  }, CHECK_INTERVAL);
  try {
    const { status, headers, body } = await callHttp({
      method: call.method,
      url: `${url}${call.target}`,
      headers: {
        ...credentials,
        'content-type': 'application/json',
        [FORWARDED]: `${now}:${signature(call, key, now)}`,
      },
      body: call.body,
      tls,
      maxBytes: MAX_ANSWER,
      signal: AbortSignal.any([gone.signal, AbortSignal.timeout(TIMEOUT)]),
    });
    if (status >= 300 && status < 400) throw new Error(`it answers with a redirect (${status})`);
    return { status, body, headers: headers.location === undefined ? {} : { location: headers.location } };
  } catch (error) {
    const { message: why, code = '' } = error as NodeJS.ErrnoException;
    failed(why);
    if (!isThere() || UNCONNECTED.has(code)) throw rebalancing();
    throw new ConnectRefusal(500, `IO Error trying to forward REST request: ${why}`);
  } finally {
    clearInterval(timer);
  }
}

/** Whether a call comes from a gateway of the cluster. Throws a refusal with 403 if its signature is not valid. */
export function isForwarded(
  header: string | undefined,
  call: Forwardable,
  key: string | undefined,
  now: number,
): boolean {
  if (header === undefined) return false;
  const [time = '', text = ''] = header.split(':');
  const given = Buffer.from(text);
  const wanted = Buffer.from(key === undefined ? '' : signature(call, key, Number(time)));
  const isFresh = Math.abs(now - Number(time)) < VALIDITY;
  // Compared as bytes: characters beyond ASCII take more of them.
  const isEqual = given.length === wanted.length && timingSafeEqual(given, wanted);
  if (key === undefined || !isFresh || !isEqual)
    throw new ConnectRefusal(403, 'Internal request carries an invalid signature');
  return true;
}

function signature({ method, target, body }: Forwardable, key: string, time: number): string {
  const digest = createHash('sha256').update(body).digest('hex');
  return createHmac('sha256', Buffer.from(key, 'base64'))
    .update(`${method}\n${target}\n${time}\n${digest}`)
    .digest('hex');
}
