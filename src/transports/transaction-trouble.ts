import type { TidegateError } from '../core/errors.ts';
import type { Logger } from '../telemetry/logger.ts';

/** One log line when transactions of a group begin to fail, and one when they are committed again. */
export class TransactionTrouble {
  private readonly group: string;
  private readonly logger: Logger;
  private hasBegun = false;

  constructor(group: string, logger: Logger) {
    this.group = group;
    this.logger = logger;
  }

  begins({ code, message }: TidegateError): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    const { group, logger } = this;
    logger.warn({ group, code }, `a transaction of the group ${group} was not committed, it is made again: ${message}`);
  }

  ends(): void {
    if (!this.hasBegun) return;
    this.hasBegun = false;
    const { group, logger } = this;
    logger.info({ group }, `transactions of the group ${group} are committed again`);
  }
}
