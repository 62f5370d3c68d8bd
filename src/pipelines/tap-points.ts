import { Message } from '../core/message.ts';
import type { Stage } from './flow.ts';
import { isTry, type Observe, type ProcessorStep, type Step } from './step.ts';
import { TapPoint } from './tap-point.ts';

/**
 * The places of a pipeline at which messages can be watched: 0 behind its source, N behind its Nth processor, and behind the last
 * one what its sink gets. A place without a watcher costs nothing.
 */
export class TapPoints {
  readonly source = new TapPoint('source');
  readonly sink = new TapPoint('sink');
  private readonly behind: readonly TapPoint[];

  constructor(stages: readonly Stage[]) {
    this.behind = stages.flatMap(pointsOf);
  }

  /** The number of the place in front of the sink. */
  get last(): number {
    return this.behind.length + 1;
  }

  /** undefined where the pipeline has no such place. */
  at(place: number): TapPoint | undefined {
    if (place === 0) return this.source;
    return place === this.last ? this.sink : this.behind[place - 1];
  }

  end(): void {
    for (const point of [this.source, ...this.behind, this.sink]) point.end();
  }
}

function pointsOf(stage: Stage): TapPoint[] {
  if ('stateful' in stage) return [new TapPoint(stage.stateful.place)];
  if ('operator' in stage) return [new TapPoint(stage.operator.place)];
  return stage.processors.map((step) => (isTry(step) ? behindTry(step) : behindProcessor(step)));
}

function behindTry(step: Step & { observe?: Observe | undefined }): TapPoint {
  return new TapPoint(step.place ?? 'try', (observe) => {
    step.observe = observe;
  });
}

/** While it is watched, the processor itself is another function; the chain of processors knows nothing of it. */
function behindProcessor(step: { process: ProcessorStep['process'] } & Pick<ProcessorStep, 'place'>): TapPoint {
  const { process } = step;
  const own: ProcessorStep['process'] = (message) => process.call(step, message);
  return new TapPoint(step.place ?? 'processor', (observe) => {
    step.process = observe === undefined ? process : observed(own, observe);
  });
}

function observed(process: ProcessorStep['process'], observe: Observe): ProcessorStep['process'] {
  return (message) => {
    const result = process(message);
    if (result instanceof Promise)
      return result.then((made) => {
        observe(messagesIn(made));
        return made;
      });
    observe(messagesIn(result));
    return result;
  };
}

/** A plugin may give anything, which the chain refuses. */
function messagesIn(made: unknown): readonly Message[] {
  return [made].flat().filter((one) => one instanceof Message);
}
