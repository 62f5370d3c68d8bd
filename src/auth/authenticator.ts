import type { Clock } from '../core/clock.ts';
import { reasonOf } from '../core/errors.ts';
import type { Authenticator, Credentials, Identified, Identity } from '../core/identity.ts';
import { LineLimit, sinceLastLine } from '../telemetry/line-limit.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Stats } from '../telemetry/stats.ts';
import { identityOfCertificate } from './certificate.ts';
import { findShown, isTokenProtocol, type Shown, shownToken } from './credentials.ts';
import type { JwtVerifier, Verdict } from './jwt.ts';
import type { Passwords } from './passwords.ts';
import { OPERATORS_ADVICE, REFUSAL_REASONS, type RefusalReason, refusalFor, type Schemes } from './refusals.ts';
import type { TokenPlace } from './settings.ts';
import type { StaticTokens } from './static-tokens.ts';

/** The ways in which clients of an entry may say who they are. */
export interface Methods {
  readonly jwt?: JwtVerifier | undefined;
  /** Those that are known now: they may come from a file. */
  readonly tokens?: (() => StaticTokens) | undefined;
  readonly passwords?: Passwords | undefined;
  readonly certificate: boolean;
  readonly close: () => void;
}

export interface AuthenticatorOptions {
  readonly name: string;
  readonly places: readonly TokenPlace[];
  readonly methods: Methods;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: Stats;
}

/** Label of the metric for those that are let in. */
const ACCEPTED = 'accepted';

/** An entry of `auth`. A client may use any of its methods; what it shows has to be right, also where another method would do. */
export class EntryAuthenticator implements Authenticator {
  readonly name: string;
  private readonly options: AuthenticatorOptions;
  private readonly schemes: Schemes;
  private readonly lines: LineLimit;

  constructor(options: AuthenticatorOptions) {
    this.name = options.name;
    this.options = options;
    const { jwt, tokens, passwords } = options.methods;
    this.schemes = { bearer: jwt !== undefined || tokens !== undefined, basic: passwords !== undefined };
    this.lines = new LineLimit(options.clock);
    for (const result of [ACCEPTED, ...REFUSAL_REASONS]) this.count(result, 0);
  }

  identify(credentials: Credentials): Promise<Identified> {
    return this.decide(() => this.verdictOn(this.shownBy(credentials), credentials), credentials.address ?? '');
  }

  isShown(credentials: Credentials): boolean {
    if (this.shownBy(credentials).kind !== 'none') return true;
    return this.options.methods.certificate && identityOfCertificate(credentials.certificate) !== undefined;
  }

  renew(token: string): Promise<Identified> {
    return this.decide(() => this.verdictOn(shownToken(token)));
  }

  isTokenProtocol(subprotocol: string): boolean {
    return this.options.places.includes('protocol') && isTokenProtocol(subprotocol);
  }

  close(): void {
    this.options.methods.close();
  }

  private shownBy(credentials: Credentials): Shown {
    const { places, methods } = this.options;
    return findShown(credentials, { places, passwords: methods.passwords !== undefined });
  }

  private async verdictOn(shown: Shown, { certificate }: Partial<Credentials> = {}): Promise<Verdict> {
    switch (shown.kind) {
      case 'several':
        return { reason: 'several_credentials' };
      case 'malformed':
        return { reason: 'token_malformed' };
      case 'password':
        return this.passwordVerdict(shown.user, shown.password);
      case 'token':
        return this.tokenVerdict(shown.token);
      default: {
        const identity = this.options.methods.certificate ? identityOfCertificate(certificate) : undefined;
        return identity === undefined ? { reason: 'token_missing' } : { identity };
      }
    }
  }

  private async tokenVerdict(token: string): Promise<Verdict> {
    const { tokens, jwt } = this.options.methods;
    const owner = tokens?.().ownerOf(token);
    if (owner !== undefined) return { identity: named(owner) };
    return jwt === undefined ? { reason: 'token_unknown' } : await jwt.verify(token);
  }

  private async passwordVerdict(user: string, password: string): Promise<Verdict> {
    const checked = await this.options.methods.passwords?.check(user, password);
    if (checked === 'right') return { identity: named(user) };
    return { reason: checked === 'busy' ? 'busy' : 'password_wrong' };
  }

  /** `address`: of a client that comes in, '' where it is not known; what an open connection sends is not told. */
  private async decide(judge: () => Promise<Verdict>, address?: string): Promise<Identified> {
    let verdict: Verdict;
    try {
      verdict = await judge();
    } catch (error) {
      this.logFailure(error);
      verdict = { reason: 'failed' };
    }
    this.count('reason' in verdict ? verdict.reason : ACCEPTED, 1);
    return 'reason' in verdict ? { refusal: this.refuse(verdict.reason, address) } : verdict;
  }

  private refuse(reason: RefusalReason, address: string | undefined) {
    const refusal = refusalFor(reason, this.schemes);
    const advice = OPERATORS_ADVICE[reason];
    const refused = advice === undefined || address === undefined ? 0 : this.lines.count(reason);
    if (refused > 0)
      this.options.logger.warn(
        { auth: this.name, reason, ...(address !== '' && { address }), refused },
        `auth.${this.name}: a client is refused: ${refusal.message}; ${advice}${sinceLastLine(refused, 'were refused')}`,
      );
    return refusal;
  }

  private count(result: string, by: number): void {
    this.options.stats.counter('tidegate_auth_total', { auth: this.name, result }).value += by;
  }

  /** A mistake of the program, which each client may meet. */
  private logFailure(error: unknown): void {
    const failed = this.lines.count('failed');
    if (failed === 0) return;
    const more = sinceLastLine(failed, 'were refused for it');
    this.options.logger.error(
      { auth: this.name, failed },
      `auth.${this.name}: credentials could not be checked: ${reasonOf(error)}${more}`,
    );
  }
}

function named(sub: string): Identity {
  return { claims: Object.freeze({ sub }) };
}
