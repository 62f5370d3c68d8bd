import type { Duplex } from 'node:stream';
import type { AccessPort, AccessRefusal, Admitted } from '../../core/access.ts';
import type { Credentials } from '../../core/identity.ts';
import { CLOSE_CODES } from './close-codes.ts';
import type { HandshakeRequest, Refusal } from './handshake.ts';

/** Handshakes of an endpoint that may wait for their check at a time: one with bytes behind it holds 64 KiB at most. */
const MAX_PENDING = 1_024;
/** Milliseconds that a check may take. */
const TIMEOUT = 10_000;
/** Seconds after which to try again. */
const RETRY_AFTER = 5;

const TOO_MANY = unchecked('checks_full', 'too many clients are being checked at the moment; try again');
const TOO_SLOW = unchecked('check_timeout', 'it could not be found out in time who this client is; try again');
const FAILED = unchecked('check_failed', 'it could not be found out who this client is; try again');

/** Handshakes of an endpoint that wait until it is known who the client is. */
export class AccessChecks {
  private readonly port: AccessPort;
  private pending = 0;

  constructor(port: AccessPort) {
    this.port = port;
  }

  /** Calls back once, within ten seconds, unless the client goes away before that: then nothing of it is kept. */
  run(request: HandshakeRequest, socket: Duplex, done: (admitted: Admitted) => void): void {
    if (this.pending >= MAX_PENDING) {
      done(TOO_MANY);
      return;
    }
    this.pending += 1;
    let onDone: typeof done | undefined = done;
    const end = (admitted?: Admitted) => {
      if (onDone === undefined) return;
      const proceed = onDone;
      onDone = undefined;
      this.pending -= 1;
      clearTimeout(timer);
      socket.off('error', gone).off('end', gone).off('close', gone);
      if (admitted === undefined) socket.destroy();
      else proceed(admitted);
    };
    const gone = () => end();
    const timer = setTimeout(() => end(TOO_SLOW), TIMEOUT);
    socket.on('error', gone).on('end', gone).on('close', gone);
    this.port.admit(credentialsOf(request), request.params).then(end, () => end(FAILED));
  }
}

/** How a refusal is answered; `asClose`: the handshake is accepted, and the connection closed with that code. */
export interface AccessAnswer {
  readonly refusal: Refusal;
  readonly asClose?: { readonly code: number; readonly reason: string };
}

/**
 * A page's script sees a close code and reason, and nothing at all of a handshake's 401 or 403. Browsers say where the page is
 * from, and other clients do not.
 */
export function answerOf({ status, reason, message, challenge }: AccessRefusal, isBrowser: boolean): AccessAnswer {
  if (status === 503) return { refusal: { status, reason, message, retryAfter: RETRY_AFTER } };
  if (!isBrowser) return { refusal: { status, reason, message, ...(challenge === undefined ? {} : { challenge }) } };
  const { code } = status === 401 ? CLOSE_CODES.unauthenticated : CLOSE_CODES.forbidden;
  return { refusal: { status: 101, reason, message }, asClose: { code, reason } };
}

function credentialsOf({ headers, query, repeated, certificate, remote }: HandshakeRequest): Credentials {
  const shown = certificate?.();
  const more = repeated?.();
  return {
    headers,
    query,
    ...(more === undefined ? {} : { repeated: more }),
    ...(shown === undefined ? {} : { certificate: shown }),
    ...(remote === undefined ? {} : { address: remote }),
  };
}

function unchecked(reason: string, message: string): Admitted {
  return { refusal: { status: 503, reason, message } };
}
