import { Message, type SettleTarget } from '../../core/message.ts';
import type { Logger } from '../../telemetry/logger.ts';

/** Messages of one URL that were read and not settled when their pipeline failed or the gateway stopped. */
export class Unsettled {
  private readonly name: string;
  private readonly logger: Logger;
  /** Messages that could not be settled because the gateway stops. */
  private stopped = 0;
  /** Messages whose pipeline failed, for the next one. */
  private again: Message[] = [];

  /** `name`: the URL as it may be shown. */
  constructor(name: string, logger: Logger) {
    this.name = name;
    this.logger = logger;
  }

  /** A message is for the next pipeline. */
  keep(message: Message): void {
    this.again.push(message);
  }

  /** A message is given up. */
  giveUp(): void {
    this.stopped += 1;
  }

  /** What was kept, oldest first. */
  takeAgain(): Message[] {
    return this.again.splice(0).sort((a, b) => a.token - b.token);
  }

  report(): void {
    const { stopped, again, name, logger } = this;
    if (stopped > 0)
      logger.warn(
        { url: name, messages: stopped },
        `${stopped} messages of ${name} were read and are not known to be stored, as the gateway stops`,
      );
    if (again.length > 0)
      logger.warn(
        { url: name, messages: again.length },
        `${again.length} messages of ${name} wait for their pipeline to start again`,
      );
    this.stopped = 0;
  }
}

/** A copy of a message that can be settled again. */
export function renewed({ payload, headers, meta, timestamp, token, trace }: Message, target: SettleTarget): Message {
  return new Message(Buffer.from(payload), {
    headers,
    meta,
    timestamp,
    target,
    token,
    ...(trace === undefined ? {} : { trace }),
  });
}
