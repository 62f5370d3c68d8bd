import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { ConnectRefusal, rebalancing } from '../../actors/connectors/refusal.ts';

/** Carries the time and the signature of a call that another gateway sends on. */
export const FORWARDED = 'x-tidegate-forwarded';
/** A signature is good for so long, in milliseconds: clocks of gateways differ. */
const GOOD_FOR = 60_000;
/** Longest wait for the other gateway, in milliseconds. */
const TIMEOUT = 30_000;
/** Between looks at whether it still is one of us, in milliseconds. */
const LOOK = 250;

/** What a connection says that did not come about: nothing was sent. */
const UNCONNECTED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export interface Forwardable {
  readonly method: string;
  /** With its query. */
  readonly target: string;
  readonly body: Buffer;
}

export interface ForwardOptions {
  /** Base64. */
  readonly key: string;
  readonly now: number;
  /** Whether the gateway still is one of the cluster. */
  readonly isThere: () => boolean;
  /** Told why there is no answer. */
  readonly failed: (why: string) => void;
}

export interface ForwardedAnswer {
  readonly status: number;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Sends a call to the gateway that has to do it, signed by the key that all of the cluster know. Where that one cannot be
 * connected to, or leaves the cluster while its answer is awaited, somebody else will have to do it: throws a refusal with
 * 409. One that does not answer is a refusal with 500, as it may have done it.
 */
export async function forward(
  url: string,
  call: Forwardable,
  { key, now, isThere, failed }: ForwardOptions,
): Promise<ForwardedAnswer> {
  const gone = new AbortController();
  const timer = setInterval(() => {
    if (!isThere()) gone.abort();
  }, LOOK);
  try {
    const response = await fetch(`${url}${call.target}`, {
      method: call.method,
      headers: { 'content-type': 'application/json', [FORWARDED]: `${now}:${signature(call, key, now)}` },
      ...(call.body.length === 0 ? {} : { body: call.body }),
      redirect: 'error',
      signal: AbortSignal.any([gone.signal, AbortSignal.timeout(TIMEOUT)]),
    });
    const location = response.headers.get('location');
    return {
      status: response.status,
      body: Buffer.from(await response.arrayBuffer()),
      headers: location === null ? {} : { location },
    };
  } catch (error) {
    const { message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    const why = cause?.message ?? message;
    failed(why);
    if (!isThere() || (cause?.code !== undefined && UNCONNECTED.has(cause.code))) throw rebalancing();
    throw new ConnectRefusal(500, `IO Error trying to forward REST request: ${why}`);
  } finally {
    clearInterval(timer);
  }
}

/** Whether a call comes from a gateway of the cluster. Throws a refusal with 403 where it only says so. */
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
  const isFresh = Math.abs(now - Number(time)) < GOOD_FOR;
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
