import type { GatewayConfig } from '../config/index.ts';
import type { Authenticator } from '../core/identity.ts';

/** What checks who clients are, by name: one for each entry of the section `auth`. `given` take the place of entries of their names. */
export function createAuthenticators(
  _config: GatewayConfig,
  given: ReadonlyMap<string, Authenticator> = new Map(),
): ReadonlyMap<string, Authenticator> {
  return given;
}
