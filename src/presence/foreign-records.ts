import type { Message } from '../core/message.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Logs once that a topic has records which were not written by Tidegate. */
export class ForeignRecords {
  private readonly topic: string;
  private readonly logger: Logger;
  private isLogged = false;

  constructor(topic: string, logger: Logger) {
    this.topic = topic;
    this.logger = logger;
  }

  skipped({ offset }: Message): void {
    if (this.isLogged) return;
    this.isLogged = true;
    const { topic, logger } = this;
    logger.debug(
      { topic, offset },
      `a record of ${topic} was not written by Tidegate; it and others like it are skipped`,
    );
  }
}
