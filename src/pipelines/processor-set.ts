import { asTidegateError, TidegateError } from '../core/errors.ts';
import type { Stage } from './flow.ts';
import { type ProcessorStep, processorsOf } from './step.ts';

/** The processors of a pipeline, which are opened once, however often the pipeline starts, and closed with it. */
export class ProcessorSet {
  private readonly all: readonly ProcessorStep[];
  /** Those that have to be opened before the first message. */
  private readonly unopened: Set<ProcessorStep>;

  constructor(stages: readonly Stage[]) {
    this.all = stages.flatMap((stage) => ('processors' in stage ? processorsOf(stage.processors) : []));
    this.unopened = new Set(this.all.filter(({ open }) => open !== undefined));
  }

  /** Rejects with the error of the first that cannot be opened, which says which one; those that could stay open. */
  async open(): Promise<void> {
    await Promise.all([...this.unopened].map((processor) => this.openOne(processor)));
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await Promise.allSettled(this.all.map(async (processor) => processor.close?.()));
  }

  private async openOne(processor: ProcessorStep): Promise<void> {
    try {
      await processor.open?.();
      this.unopened.delete(processor);
    } catch (error) {
      const { code, message } = asTidegateError(error, 'TG_FLOW_FAILED');
      throw new TidegateError(code, `${processor.place ?? 'a processor'} cannot start: ${message}`, error);
    }
  }
}
