import { TidegateError } from '../core/errors.ts';
import type { CodecSpec, ComponentSpec, Kind, OperatorSpec, ProcessorSpec, SinkSpec, SourceSpec } from './define.ts';
import { exampleConfig } from './example.ts';

interface SpecOfKind {
  source: SourceSpec;
  sink: SinkSpec;
  processor: ProcessorSpec;
  operator: OperatorSpec;
  codec: CodecSpec;
}

const KINDS: readonly string[] = ['source', 'sink', 'processor', 'operator', 'codec'] satisfies Kind[];
/** Words that may be beside processors in their list, or in place of one. */
const RESERVED: readonly string[] = ['try', 'catch', 'on_error', 'label'];
const NAME = /^[a-z][a-z0-9_]*$/;

/** All components that a configuration may name: ours, and those of plugins. */
export class Registry {
  private readonly specs = new Map<string, { readonly spec: ComponentSpec; readonly origin: string }>();

  /** Adds a component. `origin` is the file or package it comes from. Throws TG_PLUGIN_INVALID naming it and the broken rule. */
  add(spec: ComponentSpec, origin: string): void {
    const broken = brokenRule(spec);
    if (broken !== undefined) throw new TidegateError('TG_PLUGIN_INVALID', `${origin}: ${broken}`);
    this.put(spec, origin);
  }

  /** Adds a component of Tidegate. Its rules are checked by a test: to parse all examples takes a good part of a start. */
  addBuiltin(spec: ComponentSpec): void {
    this.put(spec, 'tidegate');
  }

  private put(spec: ComponentSpec, origin: string): void {
    const id = identify(spec.kind, spec.name);
    const other = this.specs.get(id);
    if (other !== undefined) {
      throw new TidegateError(
        'TG_PLUGIN_INVALID',
        `${origin}: there is a ${spec.kind} "${spec.name}" already, from ${other.origin}; choose another name`,
      );
    }
    this.specs.set(id, { spec, origin });
  }

  find<K extends Kind>(kind: K, name: string): SpecOfKind[K] | undefined {
    return this.specs.get(identify(kind, name))?.spec as SpecOfKind[K] | undefined;
  }

  all<K extends Kind>(kind: K): SpecOfKind[K][] {
    return [...this.specs.values()].map(({ spec }) => spec).filter((spec) => spec.kind === kind) as SpecOfKind[K][];
  }
}

/** Processors and operators are in the same list of the YAML, so their names must differ. */
function identify(kind: Kind, name: string): string {
  return `${kind === 'operator' ? 'processor' : kind}:${name}`;
}

function brokenRule(spec: ComponentSpec): string | undefined {
  if (typeof spec?.create !== 'function' || !KINDS.includes(spec.kind))
    return 'a component is an object made by defineSource, defineSink, defineProcessor, defineOperator or defineCodec';
  if (typeof spec.name !== 'string' || !NAME.test(spec.name))
    return `the name "${spec.name}" must be lower case letters, digits and _, and begin with a letter`;
  if (RESERVED.includes(spec.name)) return `the name "${spec.name}" is a word of the configuration; choose another one`;
  if (typeof spec.summary !== 'string' || spec.summary === '') return `${spec.kind} "${spec.name}" has no summary`;
  if (typeof spec.config?.safeParse !== 'function') return `${spec.kind} "${spec.name}" has no zod schema as config`;
  for (const [index, example] of (spec.examples ?? []).entries()) {
    const parsed = spec.config.safeParse(exampleConfig(example));
    if (!parsed.success)
      return `${spec.kind} "${spec.name}": example ${index} does not fit its own schema: ${parsed.error.issues[0]?.message}`;
  }
  return undefined;
}
