import type { EventHub, GatewayFailure } from './events.ts';
import type { Logger } from './logger.ts';

/**
 * The logger that parts of a gateway and plugins get. For them `error` reports a failure: that one call writes the line and emits
 * the event `error`. It writes to the logger of the program, which knows of no events.
 */
export class PartLogger implements Logger {
  private readonly logger: Logger;
  private readonly events: EventHub;
  private readonly facts: Readonly<Record<string, unknown>>;

  constructor(logger: Logger, events: EventHub, facts: Readonly<Record<string, unknown>> = {}) {
    this.logger = logger;
    this.events = events;
    this.facts = facts;
  }

  debug(facts: object, message: string): void {
    this.logger.debug(facts, message);
  }

  info(facts: object, message: string): void {
    this.logger.info(facts, message);
  }

  warn(facts: object, message: string): void {
    this.logger.warn(facts, message);
  }

  error(facts: object, message: string): void {
    this.logger.error(facts, message);
    if (this.events.has('error')) this.events.emit('error', failureOf({ ...this.facts, ...facts }, message));
  }

  child(facts: Record<string, unknown>): Logger {
    return new PartLogger(this.logger.child(facts), this.events, { ...this.facts, ...facts });
  }
}

function failureOf(facts: Record<string, unknown>, message: string): GatewayFailure {
  const { error: cause, code = (cause as { code?: unknown } | undefined)?.code, ...others } = facts;
  const failure = new Error(message, cause === undefined ? undefined : { cause });
  failure.name = 'GatewayFailure';
  return Object.assign(failure, { facts: others, ...(typeof code === 'string' ? { code } : {}) });
}
