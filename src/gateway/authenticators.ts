import type { AuthSettings } from '../auth/settings.ts';
import type { GatewayConfig } from '../config/index.ts';
import type { Authenticator, Credentials, Identified } from '../core/identity.ts';
import { OwnStats } from '../telemetry/own-stats.ts';
import type { GatewayContext } from './gateway-context.ts';

/** One entry of `auth` for those who ask it, whose keys and tokens may be replaced. */
class Entry implements Authenticator {
  readonly name: string;
  readonly stats: OwnStats;
  current: Authenticator;

  constructor(name: string, current: Authenticator, stats: OwnStats) {
    this.name = name;
    this.current = current;
    this.stats = stats;
  }

  identify(credentials: Credentials): Promise<Identified> {
    return this.current.identify(credentials);
  }

  isShown(credentials: Credentials): boolean {
    return this.current.isShown(credentials);
  }

  renew(token: string): Promise<Identified> {
    return this.current.renew(token);
  }

  isTokenProtocol(subprotocol: string): boolean {
    return this.current.isTokenProtocol(subprotocol);
  }

  close(): void {
    this.current.close();
    this.stats.end();
  }
}

/** Entries that were made, to take the place of others or to be closed. */
export interface PreparedEntries {
  readonly made: ReadonlyMap<string, Entry>;
  discard(): void;
}

/** The entries of `auth`. */
export class Authenticators {
  private readonly context: GatewayContext;
  private readonly given: ReadonlyMap<string, Authenticator>;
  private readonly entries = new Map<string, Entry>();

  /** `given` take the place of the entries of their names. */
  private constructor(context: GatewayContext, given: ReadonlyMap<string, Authenticator>) {
    this.context = context;
    this.given = given;
  }

  /**
   * Rejects with TG_CONFIG_INVALID where a file of keys or tokens cannot be used. What checks is loaded only where there is an
   * entry.
   */
  static async create(
    context: GatewayContext,
    given: ReadonlyMap<string, Authenticator> = new Map(),
  ): Promise<Authenticators> {
    const all = new Authenticators(context, given);
    for (const [name, authenticator] of given)
      all.entries.set(name, new Entry(name, authenticator, new OwnStats(context.stats)));
    all.become(context.config.auth, await all.prepare({}, context.config.auth));
    return all;
  }

  /** Makes the entries that are not the same objects as before. Rejects as `create` does. */
  async prepare(old: GatewayConfig['auth'], next: GatewayConfig['auth']): Promise<PreparedEntries> {
    const changed = Object.entries(next).filter(([name, entry]) => !this.given.has(name) && old[name] !== entry);
    const made = new Map<string, Entry>();
    const discard = () => {
      for (const { current } of made.values()) current.close();
    };
    try {
      for (const [name, settings] of changed) made.set(name, await this.make(name, settings));
    } catch (error) {
      discard();
      throw error;
    }
    return { made, discard };
  }

  /** From now on these are the entries; those who have one keep it, and ask the new keys. */
  become(next: GatewayConfig['auth'], { made }: PreparedEntries): void {
    for (const [name, entry] of made) {
      const known = this.entries.get(name);
      if (known === undefined) this.entries.set(name, entry);
      else {
        known.current.close();
        known.current = entry.current;
      }
    }
    for (const [name, entry] of this.entries) {
      if (this.given.has(name) || Object.hasOwn(next, name)) continue;
      entry.close();
      this.entries.delete(name);
    }
  }

  /** Throws a TypeError for a name that the configuration does not have, rather than let everyone in. */
  of(name: string | undefined): Authenticator | undefined {
    if (name === undefined) return undefined;
    const found = this.entries.get(name);
    if (found === undefined) throw new TypeError(`there is no entry of auth "${name}"`);
    return found;
  }

  close(): void {
    for (const entry of this.entries.values()) entry.close();
  }

  /** One that takes the place of another goes on counting where that one was. */
  private async make(name: string, settings: AuthSettings): Promise<Entry> {
    const { createAuthenticator } = await import('../auth/index.ts');
    const { clock } = this.context;
    const stats = this.entries.get(name)?.stats ?? new OwnStats(this.context.stats);
    const shared = { clock, stats, logger: this.context.scoped('auth') };
    return new Entry(name, await createAuthenticator(name, settings, shared), stats);
  }
}
