import type { Authenticator } from '../core/identity.ts';
import type { GatewayContext } from './gateway-context.ts';

/** The entries of `auth`. */
export class Authenticators {
  private readonly byName = new Map<string, Authenticator>();

  /**
   * Rejects with TG_CONFIG_INVALID where a file of keys or tokens cannot be used. What checks is loaded only where there is an
   * entry. `given` take the place of the entries of their names.
   */
  static async create(
    context: GatewayContext,
    given: ReadonlyMap<string, Authenticator> = new Map(),
  ): Promise<Authenticators> {
    const made = new Authenticators();
    for (const [name, authenticator] of given) made.byName.set(name, authenticator);
    const entries = Object.entries(context.config.auth).filter(([name]) => !given.has(name));
    if (entries.length === 0) return made;
    const { createAuthenticator } = await import('../auth/index.ts');
    const { clock, stats } = context;
    try {
      for (const [name, settings] of entries) {
        const shared = { clock, stats, logger: context.scoped('auth') };
        made.byName.set(name, await createAuthenticator(name, settings, shared));
      }
    } catch (error) {
      made.close();
      throw error;
    }
    return made;
  }

  /** Throws a TypeError for a name that the configuration does not have, rather than let everyone in. */
  of(name: string | undefined): Authenticator | undefined {
    if (name === undefined) return undefined;
    const found = this.byName.get(name);
    if (found === undefined) throw new TypeError(`there is no entry of auth "${name}"`);
    return found;
  }

  close(): void {
    for (const authenticator of this.byName.values()) authenticator.close();
  }
}
