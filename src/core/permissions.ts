import { type Allowed, allowance } from './allowance.ts';

/** What `allow` of an endpoint is about, each by names. */
export const ACTIONS = ['create', 'read', 'write', 'groups', 'direct', 'kick', 'subscribe', 'publish'] as const;
export type Action = (typeof ACTIONS)[number];

export type AllowedActions = Readonly<Partial<Record<Action, Allowed>>>;

/** What a client may do, by names: of topics, groups and channels, or its own name in its room. What is left out is not allowed. */
export class Permissions {
  private readonly allowed: AllowedActions;
  private readonly compiled: Partial<Record<Action, (name: string) => boolean>> = {};

  constructor(allowed: AllowedActions) {
    this.allowed = allowed;
  }

  /** Asked for every message, for `write`. Patterns are compiled when they are asked for first: most are not. */
  has(action: Action, name: string): boolean {
    const isAllowed = this.compiled[action] ?? this.compile(action);
    return isAllowed(name);
  }

  /** The same text for all to whom the same is allowed of these actions. */
  alike(actions: readonly Action[]): string {
    return JSON.stringify(actions.map((action) => this.allowed[action] ?? 'nobody'));
  }

  private compile(action: Action): (name: string) => boolean {
    const isAllowed = allowance(this.allowed[action] ?? 'nobody');
    this.compiled[action] = isAllowed;
    return isAllowed;
  }
}

export const NO_PERMISSIONS = new Permissions({});
