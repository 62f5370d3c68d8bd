import { type GatewayConfig, type PipelineConfig, sourcesOf } from '../../config/index.ts';
import type { FaultStep } from '../../config/forall-schema.ts';
import type { Message } from '../../core/message.ts';
import type { Fed, InputMessage } from '../simulation/messages.ts';
import type { Simulation, SinkWatcher } from '../simulation/simulation.ts';
import type { Observed } from './observed.ts';
import { observedInput, observedOutputs, type Written } from './outputs.ts';
import type { InputStep } from './plan.ts';

/** Milliseconds of the clock after which a message that is not settled never will be. */
const PATIENCE = 600_000;
/** Time that goes by at the end in any case, so that open batches, windows and retries end. */
const LAST_PAUSE = 60_000;
const LATE_ANSWER = 5_000;

/** A run of a pipeline: what was put in, and what its sink was given. */
export class PipelineRun {
  private readonly pipeline: string;
  private readonly settings: PipelineConfig;
  private readonly fed: Fed[] = [];
  private readonly cut = new Set<Fed>();
  private readonly early = new Set<Fed>();
  private readonly written: Written[] = [];
  private readonly batches: number[] = [];

  constructor(pipeline: string, config: Pick<GatewayConfig, 'pipelines'>) {
    const settings = config.pipelines[pipeline];
    if (settings === undefined) throw new Error(`there is no pipeline ${pipeline}`);
    this.pipeline = pipeline;
    this.settings = settings;
  }

  /** To be given to the simulation. */
  readonly watchSinks: SinkWatcher = (pipeline, messages, fedOf) => {
    if (pipeline !== this.pipeline) return;
    this.batches.push(messages.length);
    for (const message of messages) this.write(message, fedOf(message));
  };

  /** Puts the steps in, one behind the other, and lets time go on until all is done. Messages that follow each other come at once. */
  async run(simulation: Simulation, steps: readonly InputStep[]): Promise<void> {
    let waiting: InputMessage[] = [];
    const feed = async () => {
      if (waiting.length > 0) this.fed.push(...simulation.feed(this.pipeline, waiting));
      waiting = [];
      await simulation.quiet();
    };
    for (const step of steps) {
      if ('message' in step) {
        waiting.push(step.message);
        continue;
      }
      await feed();
      if ('after' in step) await simulation.advance(step.after);
      else await this.fail(simulation, step.fault);
    }
    await feed();
    await this.end(simulation);
  }

  observed(simulation: Pick<Simulation, 'output'>): Observed {
    const { fed, settings, written, batches } = this;
    const isAggregating = settings.processors.some((step) => 'spec' in step && step.spec.kind === 'operator');
    return {
      inputs: fed.map((one) => observedInput(one, { isCut: this.cut.has(one), isSettledEarly: this.early.has(one) })),
      outputs: observedOutputs(simulation.output(), { fed, written, settings }),
      batches,
      isAggregating,
      isFromTopics: sourcesOf(settings).some(({ chosen }) => chosen.spec.name === 'topic'),
    };
  }

  private write(message: Message, fed: Fed | undefined): void {
    if (fed !== undefined && message.isSettled) this.early.add(fed);
    this.written.push({ payload: message.payload, fed });
  }

  private async fail(simulation: Simulation, fault: FaultStep): Promise<void> {
    const { faults } = simulation.log;
    switch (fault) {
      case 'sink_refuses':
        return faults.next('*', { type: 'refuse' });
      case 'late':
        return faults.next('*', { type: 'late', after: LATE_ANSWER });
      case 'duplicate':
        return faults.next('*', { type: 'duplicate' });
      case 'link_down':
        return faults.linkDown();
      case 'link_up':
        return faults.linkUp();
      case 'crash':
        for (const one of this.fed) if (one.outcome === 'pending') this.cut.add(one);
        // A gateway is not ready before it has reached the log.
        faults.linkUp();
        return simulation.crash();
    }
  }

  private async end(simulation: Simulation): Promise<void> {
    simulation.log.faults.clear();
    await simulation.advance(LAST_PAUSE);
    for (let waited = 0; waited < PATIENCE && this.isPending; waited += LAST_PAUSE) await simulation.advance(LAST_PAUSE);
  }

  private get isPending(): boolean {
    return this.fed.some((one) => one.outcome === 'pending' && !this.cut.has(one));
  }
}
