import { type GatewayConfig, type PipelineConfig, sinksOf, sourcesOf, topicsIn } from '../../config/index.ts';
import type { FaultStep } from '../../config/schema/forall-schema.ts';
import type { Message } from '../../core/message.ts';
import type { Fed, InputMessage, OutputMessage } from '../simulation/messages.ts';
import type { FedOf, Watcher } from '../simulation/replacements.ts';
import type { SinkPlace } from '../simulation/rewriting.ts';
import type { Simulation } from '../simulation/simulation.ts';
import { type Observed, type ObservedOutput, observedInput, observedOutput } from './observed.ts';
import type { InputStep } from './plan.ts';

/** Milliseconds of the clock after which a message that is not settled never will be. */
const PATIENCE = 600_000;
/** Time that goes by at the end in any case, so that open batches, windows and retries end. */
const LAST_PAUSE = 60_000;
const LATE_ANSWER = 5_000;

/** Which pipeline has made a dead letter. */
const PIPELINE = 'tidegate-pipeline';

/** A run of a pipeline: what was put in, what its sink was given, and what came out of it. To be the watcher of the simulation. */
export class PipelineRun implements Watcher {
  private readonly pipeline: string;
  private readonly settings: PipelineConfig;
  private readonly isFromTopics: boolean;
  /** Messages that are still to be put in. */
  private waiting: InputMessage[] = [];
  private readonly fed: Fed[] = [];
  private readonly cut = new Set<Fed>();
  private readonly early = new Set<Fed>();
  private readonly dropped = new Set<Fed>();
  /** How often messages had been settled when the gateway crashed last, and at most within one of its lives. */
  private readonly settled = new Map<Fed, { readonly before: number; readonly most: number }>();
  /** What the sink was given: other pipelines write to topics, too. */
  private readonly taken = new WeakSet<Message>();
  private readonly outputs: ObservedOutput[] = [];
  private readonly batches: number[] = [];
  private faults = 0;

  constructor(pipeline: string, config: Pick<GatewayConfig, 'pipelines'>) {
    const settings = config.pipelines[pipeline];
    if (settings === undefined) throw new Error(`there is no pipeline ${pipeline}`);
    this.pipeline = pipeline;
    this.settings = settings;
    this.isFromTopics = sourcesOf(settings).some(({ chosen }) => chosen.spec.name === 'topic');
  }

  given({ pipeline, name }: SinkPlace, messages: readonly Message[], fedOf: FedOf): void {
    if (pipeline !== this.pipeline) return;
    this.batches.push(messages.length);
    for (const message of messages) {
      this.taken.add(message.source ?? message);
      const fed = fedOf(message);
      if (fed === undefined) continue;
      if (message.isSettled) this.early.add(fed);
      if (name === 'drop') this.dropped.add(fed);
    }
  }

  cameOut(topic: string, output: OutputMessage, sent: Message, fedOf: FedOf): void {
    const isDeadLetter = topic === this.settings.on_error.dead_letter;
    const isOurs = isDeadLetter ? output.headers[PIPELINE] === this.pipeline : this.taken.has(sent.source ?? sent);
    if (!isOurs) return;
    const fed = fedOf(sent);
    const at = fed === undefined ? -1 : this.fed.indexOf(fed);
    const origin = at < 0 ? undefined : at;
    this.outputs.push(observedOutput(output, { topic, isDeadLetter, origin }));
  }

  /** Puts the steps in, one behind the other, and lets time go on until all is done. Messages that follow each other come at once. */
  async run(simulation: Simulation, steps: readonly InputStep[]): Promise<void> {
    for (const step of steps) {
      if ('message' in step) {
        this.waiting.push(step.message);
        continue;
      }
      await this.feed(simulation);
      if ('after' in step) await simulation.advance(step.after);
      else await this.fail(simulation, step.fault);
    }
    simulation.log.faults.linkUp();
    await this.feed(simulation);
    await this.end(simulation);
  }

  observed(): Observed {
    const { fed, settings, outputs, batches, isFromTopics } = this;
    const isAggregating = settings.processors.some(
      (step) => 'spec' in step && step.spec.kind === 'operator' && step.spec.stateful,
    );
    return {
      inputs: fed.map((one) =>
        observedInput(one, {
          settledTimes: this.settledTimes(one),
          isCut: this.cut.has(one),
          isSettledEarly: this.early.has(one),
          isDropped: this.dropped.has(one),
        }),
      ),
      outputs,
      batches,
      isAggregating,
      isFromTopics,
    };
  }

  /** The program that writes to the topics waits for the log as well. */
  private async feed(simulation: Simulation): Promise<void> {
    const isAway = this.isFromTopics && !simulation.log.faults.isUp;
    if (this.waiting.length > 0 && !isAway) {
      this.fed.push(...simulation.feed(this.pipeline, this.waiting));
      this.waiting = [];
    }
    await simulation.quiet();
  }

  /** Of several topics each gets a fault in turn; where messages name the topics, whichever is written to next. */
  private nextTopic(): string {
    const topics = sinksOf(this.settings).flatMap(({ chosen }) => topicsIn(chosen));
    this.faults += 1;
    return topics[(this.faults - 1) % topics.length] ?? '*';
  }

  private async fail(simulation: Simulation, fault: FaultStep): Promise<void> {
    if (fault === 'crash') this.crashed();
    await causeFault(simulation, fault, this.nextTopic());
  }

  private async end(simulation: Simulation): Promise<void> {
    simulation.log.faults.clear();
    await simulation.advance(LAST_PAUSE);
    for (let waited = 0; waited < PATIENCE && this.isPending; waited += LAST_PAUSE)
      await simulation.advance(LAST_PAUSE);
  }

  private crashed(): void {
    for (const one of this.fed) {
      if (one.outcome === 'pending') this.cut.add(one);
      this.settled.set(one, { before: one.settledTimes, most: this.settledTimes(one) });
    }
  }

  /** A record that was not committed is read, and settled, once more in the next life. */
  private settledTimes(one: Fed): number {
    const { before, most } = this.settled.get(one) ?? { before: 0, most: 0 };
    return Math.max(most, one.settledTimes - before);
  }

  private get isPending(): boolean {
    return this.fed.some((one) => one.outcome === 'pending' && !this.cut.has(one));
  }
}

/** What goes wrong in the simulation from here on. */
export async function causeFault(simulation: Simulation, fault: FaultStep, topic = '*'): Promise<void> {
  const { faults } = simulation.log;
  switch (fault) {
    case 'sink_refuses':
      return faults.next(topic, { type: 'refuse' });
    case 'late':
      return faults.next(topic, { type: 'late', after: LATE_ANSWER });
    case 'duplicate':
      return faults.next(topic, { type: 'duplicate' });
    case 'link_down':
      return faults.linkDown();
    case 'link_up':
      return faults.linkUp();
    case 'crash':
      // A gateway is not ready before it has reached the log.
      faults.linkUp();
      return await simulation.crash();
  }
}
