import { ACTIONS, type Action, Permissions } from '../core/permissions.ts';
import type { Expression } from '../sdk/expression.ts';
import type { NamePattern } from '../sdk/name-pattern.ts';

/** Names that something is allowed for, or of those who may do it. */
export type AllowedNames = 'everyone' | 'nobody' | readonly NamePattern[];

/** What `allow` of an endpoint says. */
export type AllowSettings = { readonly connect?: Expression | undefined } & Readonly<
  Partial<Record<Action, AllowedNames>>
>;

/** Every pattern in it. */
export function patternsIn(allow: AllowSettings): NamePattern[] {
  return ACTIONS.flatMap((action) => {
    const allowed = allow[action] ?? 'nobody';
    return typeof allowed === 'string' ? [] : allowed;
  });
}

/** What all clients may do alike: the patterns without an expression. */
export function commonPermissions(allow: AllowSettings): Permissions {
  const entries = ACTIONS.map((action) => [action, commonNames(allow[action] ?? 'nobody')] as const);
  return new Permissions(Object.fromEntries(entries));
}

function commonNames(allowed: AllowedNames) {
  if (typeof allowed === 'string') return allowed;
  return allowed.filter(({ isConstant }) => isConstant).map(({ literal }) => literal);
}
