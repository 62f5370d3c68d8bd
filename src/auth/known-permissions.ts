import type { Allowed } from '../core/allowance.ts';
import type { Message } from '../core/message.ts';
import { ACTIONS, Permissions } from '../core/permissions.ts';
import { type AllowedNames, type AllowSettings, commonPermissions, patternsIn } from './allow-settings.ts';

/** Permissions that are kept for clients that come later: those of so many different ones. */
const MAX_KEPT = 1_000;

/** What clients may do, as one object for all to whom the same is allowed: thousands of them may be of one tenant. */
export class KnownPermissions {
  private readonly allow: AllowSettings;
  /** Undefined where it depends on the client. */
  private readonly common: Permissions | undefined;
  /** By what they are made of; the one that was asked for last is behind all others. */
  private readonly kept = new Map<string, Permissions>();

  constructor(allow: AllowSettings) {
    this.allow = allow;
    this.common = patternsIn(allow).every(({ isConstant }) => isConstant) ? commonPermissions(allow) : undefined;
  }

  /** `client`: a message whose `meta` has what is known of it. */
  async of(client: Message): Promise<Permissions> {
    return this.common ?? this.shared(await Promise.all(ACTIONS.map((action) => filled(this.allow[action], client))));
  }

  private shared(allowed: readonly Allowed[]): Permissions {
    const key = JSON.stringify(allowed);
    const permissions = this.kept.get(key) ?? permissionsOf(allowed);
    this.kept.delete(key);
    this.kept.set(key, permissions);
    if (this.kept.size > MAX_KEPT) this.kept.delete(this.kept.keys().next().value ?? '');
    return permissions;
  }
}

async function filled(allowed: AllowedNames = 'nobody', client: Message): Promise<Allowed> {
  if (typeof allowed === 'string') return allowed;
  const patterns = await Promise.all(allowed.map((pattern) => pattern.fill(client)));
  return patterns.filter((pattern) => pattern !== undefined);
}

/** `allowed`: in the order of the actions. */
function permissionsOf(allowed: readonly Allowed[]): Permissions {
  return new Permissions(Object.fromEntries(ACTIONS.map((action, at) => [action, allowed[at]])));
}
