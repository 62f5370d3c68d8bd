import type { Processor } from '../core/component.ts';
import { TidegateError } from '../core/errors.ts';
import type { ComponentContext } from '../sdk/context.ts';
import type { OperatorSpec, ProcessorSpec } from '../sdk/define.ts';
import { makeComponent } from '../sdk/make.ts';
import type { Stage } from './flow.ts';

/** One entry of a pipeline's `processors` with its parsed settings. */
export interface StageConfig {
  readonly spec: ProcessorSpec | OperatorSpec;
  readonly config: unknown;
}

/** Makes the processors and operators of a pipeline; neighbouring processors run as one stage. */
export function compileStages(
  entries: readonly StageConfig[],
  contextOf: (index: number) => ComponentContext,
): Stage[] {
  const stages: ({ processors: Processor[] } | Exclude<Stage, { processors: unknown }>)[] = [];
  for (const [index, { spec, config }] of entries.entries()) {
    if (spec.kind === 'operator') {
      stages.push({ operator: makeComponent(spec, config, contextOf(index)) });
      continue;
    }
    const processor = makeProcessor(spec, config, contextOf(index));
    const last = stages.at(-1);
    if (last !== undefined && 'processors' in last) last.processors.push(processor);
    else stages.push({ processors: [processor] });
  }
  return stages;
}

function makeProcessor(spec: ProcessorSpec, config: unknown, context: ComponentContext): Processor {
  const processor: Partial<Processor> | undefined = makeComponent(spec, config, context);
  if (typeof processor?.process === 'function') return processor as Processor;
  const what = `${context.path}: the processor ${spec.name} cannot be made: its create returned no object with a function process(message)`;
  throw new TidegateError('TG_PLUGIN_INVALID', what);
}
