import { type Allowed, allowance } from '../core/allowance.ts';
import { TidegateError } from '../core/errors.ts';
import type { InternalTopics } from '../core/internal-topics.ts';
import type { Logger } from '../telemetry/logger.ts';

export type Right = 'create' | 'read' | 'write' | 'groups';

/** What belongs to brokers and gateways. */
export interface Reserved {
  /** Groups that no client may join, whatever is allowed. */
  readonly ownGroups: { has(group: string): boolean };
  /** Topics that no client may create, list, read or write, whatever is allowed. */
  readonly internalTopics: Pick<InternalTopics, 'has'>;
}

/** What the clients of an endpoint may do: what it allows, except with what belongs to brokers and gateways. */
export class Rights {
  private readonly allowed: Readonly<Record<Right, (name: string) => boolean>>;
  private readonly reserved: Reserved;
  private readonly logger: Logger;

  constructor(allow: Readonly<Record<Right, Allowed>>, reserved: Reserved, logger: Logger) {
    this.allowed = {
      create: allowance(allow.create),
      read: allowance(allow.read),
      write: allowance(allow.write),
      groups: allowance(allow.groups),
    };
    this.reserved = reserved;
    this.logger = logger;
  }

  /** Asked for every message, for `write`. */
  has(right: Right, name: string): boolean {
    const { ownGroups, internalTopics } = this.reserved;
    const isReserved = right === 'groups' ? ownGroups.has(name) : internalTopics.has(name);
    return !isReserved && this.allowed[right](name);
  }

  /** Throws TG_NOT_ALLOWED. `what`: the action of the client. */
  demand(right: Right, name: string, what: string): void {
    if (this.has(right, name)) return;
    this.logger.debug({ right, name }, `a client was refused: ${what}`);
    throw new TidegateError('TG_NOT_ALLOWED', `${what} is not allowed here`);
  }
}
