import { TidegateError } from '../../core/errors.ts';
import { isInternalTopic } from '../../core/internal-topics.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Allowed, allowance } from '../allowance.ts';

export type Right = 'create' | 'read' | 'write' | 'groups';

export interface RightsOptions {
  readonly allow: Readonly<Record<Right, Allowed>>;
  /** Groups that no client may join, whatever is allowed. */
  readonly ownGroups: { has(group: string): boolean };
  readonly logger: Logger;
}

/** What the clients of an endpoint may do: what it allows, except with what belongs to brokers and gateways. */
export class Rights {
  private readonly allowed: Readonly<Record<Right, (name: string) => boolean>>;
  private readonly ownGroups: RightsOptions['ownGroups'];
  private readonly logger: Logger;

  constructor({ allow, ownGroups, logger }: RightsOptions) {
    this.allowed = {
      create: allowance(allow.create),
      read: allowance(allow.read),
      write: allowance(allow.write),
      groups: allowance(allow.groups),
    };
    this.ownGroups = ownGroups;
    this.logger = logger;
  }

  /** Asked for every message, for `write`. */
  has(right: Right, name: string): boolean {
    const isOurs = right === 'groups' ? this.ownGroups.has(name) : isInternalTopic(name);
    return !isOurs && this.allowed[right](name);
  }

  /** Throws TG_NOT_ALLOWED. `what`: what the client is about to do. */
  demand(right: Right, name: string, what: string): void {
    if (this.has(right, name)) return;
    this.logger.debug({ right, name }, `a client was refused: ${what}`);
    throw new TidegateError('TG_NOT_ALLOWED', `${what} is not allowed here`);
  }
}
