import type { Access, AccessPort, AccessRefusal, Granted, HandshakeFacts } from '../../core/access.ts';
import type { Clock } from '../../core/clock.ts';
import type { Rejection } from '../../core/errors.ts';
import type { Farewell } from '../../core/frame.ts';
import { quoteReason } from '../../core/quote.ts';
import { closing } from './connection-machine.ts';
import type { EndpointMetrics } from './metrics.ts';

/** What it needs of its endpoint. */
export interface SessionContext {
  readonly clock: Clock;
  /** Seconds of the endpoint's own clock. */
  readonly seconds: number;
  /** Clients are not read now: a token that one of them has sent may wait in its socket. */
  readonly isCongested: boolean;
  readonly codec: { readonly renewal?: unknown };
  readonly metrics: Pick<EndpointMetrics, 'tokenChecked'>;
}

/** The connection whose client it is. */
export interface SessionOwner {
  readonly isOpen: boolean;
  readonly isAdmitted: boolean;
  /** Asks the client for a new token, within so many seconds. */
  askForToken(within: number): void;
  /** Answers a token of the client; `expires`: milliseconds since 1970. */
  answerToken(correlation: unknown, rejection: Rejection | null, expires: number | undefined): void;
  /** The client is known by another identity from now on. False where it may not go on with what it does. */
  accessChanged(): boolean;
  dismiss(farewell: Farewell): void;
  /** A check threw: the connection is cut. */
  failed(error: unknown): void;
}

/** Most characters of a token: more than what fits into the headers of a handshake. */
export const MAX_TOKEN = 16_384;
/** Seconds that the check of a token may take. */
export const CHECK_TIMEOUT = 10;
/** Most seconds that the pipelines behind the endpoint may add to the grace, as no client is read while they want no more. */
const MAX_CONGESTION = 300;

const BUSY = rejection('TG_LIMIT_REACHED', 'the token before this one is still being checked; send it again', true);
const TOO_LONG = rejection('TG_TOKEN_REFUSED', `a token may have ${MAX_TOKEN} characters`);
const TOO_SLOW = rejection('TG_TOKEN_UNCHECKED', 'the token could not be checked in time; send it again', true);

/**
 * Who the client of a connection is, for how long, and what it may do for that. Only connections of which something had to
 * be found out have one. Its time is that of the endpoint's sweep: it has no timer of its own.
 */
export class Session {
  private readonly owner: SessionOwner;
  private readonly context: SessionContext;
  private readonly port: AccessPort;
  private readonly facts: HandshakeFacts;
  private current: Access;
  /** Seconds of the endpoint's clock at which the client was asked for a new token; 0: it was not. */
  private askedAt = 0;
  /** Seconds since then in which no client was read. */
  private congested = 0;
  /** The token that is being checked. */
  private check: { readonly correlation: unknown; readonly since: number } | undefined;

  constructor(owner: SessionOwner, context: SessionContext, port: AccessPort, access: Access, facts: HandshakeFacts) {
    this.owner = owner;
    this.context = context;
    this.port = port;
    this.current = access;
    this.facts = facts;
  }

  get access(): Access {
    return this.current;
  }

  /** Once a second. `now`: seconds of the endpoint's clock. */
  sweep(now: number): void {
    if (this.check !== undefined && now - this.check.since > CHECK_TIMEOUT) this.answer(TOO_SLOW);
    const expires = this.current.identity?.expires;
    if (expires === undefined || this.context.clock.now() < expires) {
      // It was asked by a clock that was ahead: it is asked again in its time.
      this.askedAt = 0;
      return;
    }
    if (!this.canRenew) this.expired();
    else if (this.askedAt === 0) this.ask(now, expires);
    else if (this.context.isCongested && this.congested < MAX_CONGESTION) this.congested += 1;
    else if (now - this.askedAt >= this.port.grace + this.congested + this.checkTime) this.expired();
  }

  /** The client sent a new token; it is answered when that is checked. */
  renew(token: string, correlation: unknown): void {
    const mistake = this.check !== undefined ? BUSY : token.length > MAX_TOKEN ? TOO_LONG : undefined;
    if (mistake !== undefined) {
      this.owner.answerToken(correlation, mistake, undefined);
      return;
    }
    const check = { correlation, since: this.context.seconds };
    this.check = check;
    this.port
      .renew(token, this.facts)
      .then((granted) => {
        // The answer may have been given, or the client gone, meanwhile.
        if (this.check === check && this.owner.isOpen) this.checked(granted);
      })
      .catch((error: unknown) => this.owner.failed(error));
  }

  /** A token that came in time may be checked; those behind it have no more time than that together. */
  private get checkTime(): number {
    return this.check === undefined ? 0 : CHECK_TIMEOUT;
  }

  private get canRenew(): boolean {
    return this.port.renews && this.context.codec.renewal !== undefined;
  }

  /** A client that is not let in yet cannot be asked, and has the same time. */
  private ask(now: number, expires: number): void {
    if (!this.owner.isAdmitted) {
      if (this.context.clock.now() - expires >= this.port.grace * 1_000) this.expired();
      return;
    }
    this.askedAt = now;
    this.congested = 0;
    this.owner.askForToken(this.port.grace);
  }

  private checked(granted: Granted): void {
    if ('refusal' in granted) this.refused(granted.refusal);
    else if (!isSameClient(this.current, granted.access)) this.forbidden('the token is of another client');
    else {
      this.current = granted.access;
      this.askedAt = 0;
      if (this.owner.accessChanged()) this.answer(null, granted.access.identity?.expires);
      else this.forbidden('the new token does not allow what is subscribed to');
    }
  }

  private refused({ status, reason, message }: AccessRefusal): void {
    if (status === 403) this.forbidden();
    else if (status === 503) this.answer(rejection('TG_TOKEN_UNCHECKED', quoteReason(message), true));
    else this.answer(rejection('TG_TOKEN_REFUSED', quoteReason(`${reason}: ${message}`)));
  }

  private answer(failure: Rejection | null, expires?: number): void {
    const { check } = this;
    this.check = undefined;
    this.context.metrics.tokenChecked(failure === null ? 'accepted' : failure.retryable ? 'unchecked' : 'refused');
    this.owner.answerToken(check?.correlation, failure, expires);
  }

  private expired(): void {
    this.owner.dismiss(closing('unauthenticated'));
  }

  private forbidden(reason?: string): void {
    this.check = undefined;
    this.context.metrics.tokenChecked('forbidden');
    this.owner.dismiss(closing('forbidden', reason));
  }
}

/** What other clients, and records, call it must not change on its connection. A subject is one of its issuer only (RFC 7519 4.1.2). */
function isSameClient(one: Access, other: Access): boolean {
  const [before, after] = [one.identity?.claims, other.identity?.claims];
  return before?.sub === after?.sub && before?.iss === after?.iss && one.name === other.name;
}

function rejection(code: string, message: string, retryable = false): Rejection {
  return { code, message, retryable };
}
