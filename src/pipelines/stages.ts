import type { Operator } from '../core/component.ts';
import type { ConnectedContext } from '../sdk/context.ts';
import type { OperatorSpec, ProcessorSpec } from '../sdk/define.ts';
import { makeComponent } from '../sdk/make.ts';
import { ConcurrentStage } from './concurrent.ts';
import type { Stage } from './flow.ts';
import type { ProcessorMetrics } from './processor-metrics.ts';
import type { StageMetrics } from './state/metrics.ts';
import { StatefulStage } from './state/stateful-stage.ts';
import { isTry, type OnError, type ProcessorStep, type Step } from './step.ts';
import { limited, unlimited } from './time-limit.ts';

/** Milliseconds that a processor of a plugin may take for a message, unless its entry says otherwise. */
const PLUGIN_TIMEOUT = 30_000;

/** A processor or operator of a pipeline with its parsed settings. */
export interface ComponentConfig<Spec = ProcessorSpec | OperatorSpec> {
  readonly spec: Spec;
  readonly config: unknown;
  readonly onError?: OnError | undefined;
  /** Milliseconds that a processor may take for a message. */
  readonly timeout?: number | undefined;
  /** Its name in errors and metrics; its place where it is left out. */
  readonly label?: string | undefined;
}

/** Processors that are tried, and those for messages that fail in them. */
export interface TryConfig {
  readonly attempt: readonly StepConfig<ProcessorSpec>[];
  readonly rescue: readonly StepConfig<ProcessorSpec>[];
  readonly onError?: OnError | undefined;
}

/** One entry of a pipeline's `processors`. */
export type StepConfig<Spec = ProcessorSpec | OperatorSpec> = ComponentConfig<Spec> | TryConfig;

/** What the steps of a pipeline are made with. `place`: where one is, as `processors[0].try[1]`. */
export interface StageParts {
  readonly contextOf: (place: string) => ConnectedContext;
  readonly metricsOf?: (place: string) => ProcessorMetrics;
  readonly stateMetricsOf?: (place: string) => StageMetrics;
  /** Whether messages have to stay in the order of their partition, also where a processor is given several at a time. */
  readonly isInOrder?: boolean;
}

/** Makes the processors and operators of a pipeline; neighbouring processors run as one stage. */
export function compileStages(entries: readonly StepConfig[], parts: StageParts): Stage[] {
  const stages: ({ processors: Step[]; concurrent?: ConcurrentStage } | Exclude<Stage, { processors: unknown }>)[] = [];
  for (const [index, entry] of entries.entries()) {
    const place = `processors[${index}]`;
    if (isOperator(entry)) {
      stages.push(makeOperator(entry, place, parts));
      continue;
    }
    const step = makeStep(entry, place, parts);
    if (isConcurrent(step)) {
      // State is rebuilt by reading a partition again, so an operator gets it in the order of the partition.
      const orderBy = parts.isInOrder === true || entries.slice(index + 1).some(isOperator) ? 'origin' : 'key';
      stages.push({ processors: [step], concurrent: new ConcurrentStage(step, step.concurrency, orderBy) });
      continue;
    }
    const last = stages.at(-1);
    if (last !== undefined && 'processors' in last && last.concurrent === undefined) last.processors.push(step);
    else stages.push({ processors: [step] });
  }
  return stages;
}

function makeOperator({ spec, config, label }: ComponentConfig<OperatorSpec>, at: string, parts: StageParts) {
  const context = parts.contextOf(at);
  const operator = makeComponent(spec, config, context);
  const place = label ?? `${at}.${spec.name}`;
  if ('partition' in operator || 'pair' in operator)
    return { stateful: new StatefulStage(operator, context.clock, parts.stateMetricsOf?.(place), place) };
  const apply: Operator['apply'] = (batches$, host) => operator.apply(batches$, host);
  return { operator: { apply, place, metrics: parts.metricsOf?.(place) } };
}

function isOperator(entry: StepConfig): entry is ComponentConfig<OperatorSpec> {
  return 'spec' in entry && entry.spec.kind === 'operator';
}

function isConcurrent(step: Step): step is ProcessorStep & { readonly concurrency: number } {
  return !isTry(step) && step.concurrency !== undefined && step.concurrency > 1;
}

function makeStep(entry: StepConfig<ProcessorSpec> | StepConfig, at: string, parts: StageParts): Step {
  const { onError } = entry;
  if ('attempt' in entry) {
    const place = `${at}.try`;
    return {
      attempt: entry.attempt.map((inner, index) => makeStep(inner, `${at}.try[${index}]`, parts)),
      rescue: entry.rescue.map((inner, index) => makeStep(inner, `${at}.catch[${index}]`, parts)),
      place,
      onError,
      metrics: parts.metricsOf?.(place),
    };
  }
  const spec = entry.spec as ProcessorSpec; // an operator is none of these
  const context = parts.contextOf(at);
  const processor = makeComponent(spec, entry.config, context);
  const place = entry.label ?? `${at}.${spec.name}`;
  const { concurrency } = processor;
  const timeout = entry.timeout ?? (spec.plugin === undefined ? undefined : PLUGIN_TIMEOUT);
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(processor.open === undefined ? {} : { open: () => processor.open?.() }),
    process: timeout === undefined ? unlimited(processor, context) : limited(processor, timeout, context),
    close: () => processor.close?.(),
    place,
    onError,
    metrics: parts.metricsOf?.(place),
  };
}
