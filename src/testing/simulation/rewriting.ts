import type { GatewayConfig, PipelineConfig } from '../../config/index.ts';
import type { Chosen } from '../../config/schema/component-schema.ts';
import type { ChosenStep } from '../../config/schema/step-schema.ts';
import type { Processor, Sink, Source } from '../../core/component.ts';
import type { ConnectedContext } from '../../sdk/context.ts';
import type { InnerSink, ProcessorSpec, SinkSpec, SourceSpec } from '../../sdk/define.ts';

/** What takes the place of the components of a configuration. `create` makes the component itself. */
export interface Replacements {
  source(place: SourcePlace, create: (context: ConnectedContext) => Source, context: ConnectedContext): Source;
  sink(place: SinkPlace, create: (context: ConnectedContext) => Sink, context: ConnectedContext): Sink;
  processor(
    place: ProcessorPlace,
    create: (context: ConnectedContext) => Processor,
    context: ConnectedContext,
  ): Processor;
}

export interface ProcessorPlace {
  readonly label: string | undefined;
  readonly name: string;
  /** Its settings, as its schema gives them. */
  readonly settings: unknown;
  /** Whether it has so much time for each message, as all processors of plugins have. */
  readonly isLimited: boolean;
}

export interface SinkPlace {
  readonly pipeline: string;
  /** Name of the component. */
  readonly name: string;
  readonly config: unknown;
}

export interface SourcePlace {
  readonly pipeline: string;
  /** Which source of the pipeline it is. */
  readonly at: number;
  /** Name of the component. */
  readonly name: string;
}

/** The same configuration with other components in their places, and with nothing that leaves the process. */
export function rewritten(config: GatewayConfig, replacements: Replacements): GatewayConfig {
  const pipelines = Object.entries(config.pipelines).map(([name, pipeline]) => [
    name,
    pipelineOf(name, pipeline, replacements),
  ]);
  const listeners = Object.entries(config.listeners).map(([name, { tls: _, ...listener }]) => [
    name,
    { ...listener, proxy_protocol: 'off' },
  ]);
  const { connect: _, ...others } = config;
  return {
    ...others,
    admin: { ...config.admin, enabled: false },
    tracing: { ...config.tracing, exporter: 'none' },
    listeners: Object.fromEntries(listeners),
    pipelines: Object.fromEntries(pipelines),
  } as GatewayConfig;
}

function pipelineOf(pipeline: string, settings: PipelineConfig, replacements: Replacements): PipelineConfig {
  const source = (chosen: Chosen<SourceSpec>, at: number) =>
    made(chosen, (create, context) => replacements.source({ pipeline, at, name: chosen.spec.name }, create, context));
  const { source: given } = settings;
  return {
    ...settings,
    source: (Array.isArray(given) ? given.map(source) : source(given as Chosen<SourceSpec>, 0)) as typeof given,
    processors: settings.processors.map((step) => stepOf(step, replacements)),
    sink: sinkOf(settings.sink, pipeline, replacements),
  };
}

function stepOf<S extends ChosenStep>(step: S, replacements: Replacements): S {
  if (!('spec' in step))
    return {
      ...step,
      attempt: step.attempt.map((one) => stepOf(one, replacements)),
      rescue: step.rescue.map((one) => stepOf(one, replacements)),
    };
  if (step.spec.kind !== 'processor') return step;
  const { label, timeout } = step as { readonly label?: string; readonly timeout?: number };
  const chosen = step as unknown as Chosen<ProcessorSpec>;
  const place = {
    label,
    name: chosen.spec.name,
    settings: chosen.config,
    isLimited: timeout !== undefined || chosen.spec.plugin !== undefined,
  };
  return { ...step, ...made(chosen, (create, context) => replacements.processor(place, create, context)) };
}

/** A sink with all sinks within it. */
function sinkOf(chosen: InnerSink, pipeline: string, replacements: Replacements): InnerSink {
  const inner = chosen.spec.inner?.(chosen.config);
  if (inner === undefined) {
    const { spec, config } = chosen as Chosen<SinkSpec>;
    const place = { pipeline, name: spec.name, config };
    return made({ spec, config }, (create, context) => replacements.sink(place, create, context));
  }
  const config = inner.reduce(
    (outer, { value, path }) => withValue(outer, path, sinkOf(value as InnerSink, pipeline, replacements)),
    chosen.config,
  );
  return { spec: chosen.spec, config };
}

/** The component with another way to make it. */
function made<S extends SourceSpec | SinkSpec | ProcessorSpec>(
  { spec, config }: Chosen<S>,
  replace: (create: (context: ConnectedContext) => ReturnType<S['create']>, context: ConnectedContext) => unknown,
): Chosen<S> {
  const create = (settings: never, context: ConnectedContext) =>
    replace((given) => spec.create(settings, given) as ReturnType<S['create']>, context);
  return { spec: { ...spec, create } as S, config };
}

function withValue(outer: unknown, [key, ...path]: readonly (string | number)[], value: unknown): unknown {
  if (key === undefined) return value;
  if (Array.isArray(outer)) return outer.map((one, at) => (at === key ? withValue(one, path, value) : one));
  const object = outer as Readonly<Record<string, unknown>>;
  return { ...object, [key]: withValue(object[key], path, value) };
}
