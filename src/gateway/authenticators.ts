import type { Authenticator } from '../core/identity.ts';
import type { GatewayContext } from './gateway-context.ts';

/** The entries of `auth`. */
export class Authenticators {
  private readonly byName = new Map<string, Authenticator>();

  /** `given` take the place of the entries of their names. */
  static async create(
    _context: GatewayContext,
    given: ReadonlyMap<string, Authenticator> = new Map(),
  ): Promise<Authenticators> {
    const made = new Authenticators();
    for (const [name, authenticator] of given) made.byName.set(name, authenticator);
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
