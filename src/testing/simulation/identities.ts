import type { IncomingHttpHeaders } from 'node:http';
import type { GatewayConfig } from '../../config/index.ts';
import type { Clock } from '../../core/clock.ts';
import { reasonOf } from '../../core/errors.ts';
import type { Authenticator, Credentials, Identified } from '../../core/identity.ts';
import { createStats } from '../../telemetry/stats.ts';
import { NO_LOGGER } from './no-logger.ts';

/** Claims of clients that a test vouches for, by the headers of their handshakes. */
export class Identities {
  private readonly claims = new WeakMap<IncomingHttpHeaders, Readonly<Record<string, unknown>>>();

  vouch(headers: IncomingHttpHeaders, claims: Readonly<Record<string, unknown>>): void {
    this.claims.set(headers, Object.freeze({ ...claims }));
  }

  /** Each entry of `auth`, which asks a client for nothing that a test vouches for. */
  async authenticators({ auth }: GatewayConfig, clock: Clock): Promise<ReadonlyMap<string, Authenticator>> {
    const entries = Object.entries(auth);
    if (entries.length === 0) return new Map();
    const { createAuthenticator } = await import('../../auth/index.ts');
    const made = entries.map(async ([name, settings]): Promise<[string, Authenticator]> => {
      const parts = { clock, stats: createStats(), logger: NO_LOGGER };
      const real = await createAuthenticator(name, settings, parts).catch((error: unknown) => unusable(name, error));
      return [name, this.vouching(real)];
    });
    return new Map(await Promise.all(made));
  }

  private vouching(real: Authenticator): Authenticator {
    return {
      name: real.name,
      identify: async (credentials: Credentials): Promise<Identified> => {
        const claims = this.claims.get(credentials.headers);
        return claims === undefined ? await real.identify(credentials) : { identity: { claims } };
      },
      isShown: (credentials) => this.claims.has(credentials.headers) || real.isShown(credentials),
      renew: (token) => real.renew(token),
      isTokenProtocol: (subprotocol) => real.isTokenProtocol(subprotocol),
      close: () => real.close(),
    };
  }
}

/** Files of keys are often not there where tests run: only clients that the test vouches for are let in then. */
function unusable(name: string, error: unknown): Authenticator {
  const refusal = { status: 503, reason: 'keys_unavailable', message: reasonOf(error) } as const;
  return {
    name,
    identify: async () => ({ refusal }),
    isShown: () => true,
    renew: async () => ({ refusal }),
    isTokenProtocol: () => false,
    close: () => {},
  };
}
