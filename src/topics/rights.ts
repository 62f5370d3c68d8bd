import { TidegateError } from '../core/errors.ts';
import type { InternalTopics } from '../core/internal-topics.ts';
import type { Action, Permissions } from '../core/permissions.ts';
import type { Logger } from '../telemetry/logger.ts';

export type Right = Extract<Action, 'create' | 'read' | 'write' | 'groups'>;

/** What belongs to brokers and gateways. */
export interface Reserved {
  /** Groups that no client may join, whatever is allowed. */
  readonly ownGroups: { has(group: string): boolean };
  /** Topics that no client may create, list, read or write, whatever is allowed. */
  readonly internalTopics: Pick<InternalTopics, 'has'>;
}

/** What clients may do with topics and groups: what their endpoint allows them, except with what belongs to brokers and gateways. */
export class Rights {
  private readonly reserved: Reserved;
  private readonly logger: Logger;

  constructor(reserved: Reserved, logger: Logger) {
    this.reserved = reserved;
    this.logger = logger;
  }

  /** Asked for every message, for `write`. */
  has(permissions: Permissions, right: Right, name: string): boolean {
    const { ownGroups, internalTopics } = this.reserved;
    const isReserved = right === 'groups' ? ownGroups.has(name) : internalTopics.has(name);
    return !isReserved && permissions.has(right, name);
  }

  /** Throws TG_NOT_ALLOWED. `what`: the action of the client. */
  demand(permissions: Permissions, right: Right, name: string, what: string): void {
    if (this.has(permissions, right, name)) return;
    this.logger.debug({ right, name }, `a client was refused: ${what}`);
    throw new TidegateError('TG_NOT_ALLOWED', `${what} is not allowed here`);
  }
}
