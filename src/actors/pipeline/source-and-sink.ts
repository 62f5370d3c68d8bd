import type { Sink, Source } from '../../core/component.ts';
import type { Logger } from '../../telemetry/logger.ts';

/** Source and sink of a pipeline, which are opened and closed together, as often as it starts. */
export class SourceAndSink {
  private readonly source: Source;
  private readonly sink: Sink;
  private readonly name: string;
  private readonly logger: Logger;
  private isOpen = false;
  private closing: Promise<void> = Promise.resolve();

  constructor(source: Source, sink: Sink, name: string, logger: Logger) {
    this.source = source;
    this.sink = sink;
    this.name = name;
    this.logger = logger;
  }

  /**
   * Opens the sink, calls `connect` for the flow between the two, and opens the source, once an earlier close is over.
   * Stops at the step after which `isWanted` is false. Rejects with the error of a component.
   */
  async open(isWanted: () => boolean, connect: () => void): Promise<void> {
    await this.closing;
    if (!isWanted()) return;
    this.isOpen = true;
    await this.sink.open();
    if (!isWanted()) return;
    connect();
    await this.source.open();
  }

  /** Closes both where they were opened. Never rejects. */
  close(): Promise<void> {
    if (!this.isOpen) return this.closing;
    this.isOpen = false;
    this.closing = Promise.all([this.closeOne(this.source, 'source'), this.closeOne(this.sink, 'sink')]).then(() => {});
    return this.closing;
  }

  private async closeOne(component: Source | Sink, what: string): Promise<void> {
    try {
      await component.close();
    } catch (error) {
      this.logger.warn({ error }, `the ${what} of ${this.name} did not close cleanly`);
    }
  }
}
