import { type ErrorCode, TidegateError } from '../core/errors.ts';
import {
  type CodecSpec,
  type ComponentSpec,
  type Kind,
  type OperatorSpec,
  PORTS_OF_KIND,
  type ProcessorSpec,
  type SinkSpec,
  type SourceSpec,
} from './define.ts';
import { exampleConfig } from './example.ts';

interface SpecOfKind {
  source: SourceSpec;
  sink: SinkSpec;
  processor: ProcessorSpec;
  operator: OperatorSpec;
  codec: CodecSpec;
}

/** Words that may be beside processors in their list, or in place of one. */
const RESERVED: readonly string[] = ['try', 'catch', 'on_error', 'timeout', 'label'];
const NAME = /^[a-z][a-z0-9_]*$/;

/** Whether a name is a word of the configuration, which no component can have. */
export function isReservedName(name: string): boolean {
  return RESERVED.includes(name);
}

type Broken = { readonly code: ErrorCode; readonly rule: string };

/** All components that a configuration may name: ours, and those of plugins. */
export class Registry {
  private readonly specs = new Map<string, { readonly spec: ComponentSpec; readonly origin: string }>();

  /**
   * Adds a component. `origin` is the file or package it comes from. Throws TG_PLUGIN_INVALID, TG_PLUGIN_EXAMPLE_INVALID or
   * TG_PLUGIN_NAME_TAKEN, naming it and the broken rule.
   */
  add(spec: ComponentSpec, origin: string): void {
    const broken = brokenRule(spec);
    if (broken !== undefined) throw new TidegateError(broken.code, `${origin}: ${broken.rule}`);
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
        'TG_PLUGIN_NAME_TAKEN',
        `${origin}: there is a ${spec.kind} "${spec.name}" already, from ${other.origin}; choose another name`,
      );
    }
    this.specs.set(id, { spec, origin });
  }

  /** How many components there are; none is ever removed or replaced. */
  get size(): number {
    return this.specs.size;
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

function brokenRule(spec: ComponentSpec): Broken | undefined {
  const rule = brokenForm(spec);
  if (rule !== undefined) return { code: 'TG_PLUGIN_INVALID', rule };
  for (const [index, example] of (spec.examples ?? []).entries()) {
    const parsed = spec.config.safeParse(exampleConfig(example));
    if (parsed.success) continue;
    const why = parsed.error.issues[0]?.message;
    return {
      code: 'TG_PLUGIN_EXAMPLE_INVALID',
      rule: `${spec.kind} "${spec.name}": example ${index} does not fit its own schema: ${why}`,
    };
  }
  return undefined;
}

function brokenForm(spec: ComponentSpec): string | undefined {
  if (typeof spec?.create !== 'function' || !Object.hasOwn(PORTS_OF_KIND, spec.kind))
    return 'a component is an object made by defineSource, defineSink, defineProcessor, defineOperator or defineCodec';
  const { kind, name, summary, config, examples, needs = [] } = spec;
  if (typeof name !== 'string' || !NAME.test(name))
    return `the name "${name}" must be lower case letters, digits and _, and begin with a letter`;
  if (isReservedName(name)) return `the name "${name}" is a word of the configuration; choose another one`;
  if (typeof summary !== 'string' || summary === '') return `${kind} "${name}" has no summary`;
  if (typeof config?.safeParse !== 'function') return `${kind} "${name}" has no zod schema as config`;
  if (examples !== undefined && !Array.isArray(examples)) return `${kind} "${name}": its examples are not a list`;
  const ports: readonly string[] = PORTS_OF_KIND[kind];
  if (!Array.isArray(needs)) return `${kind} "${name}": its needs are not a list`;
  const foreign = needs.find((need: string) => !ports.includes(need));
  if (foreign === undefined) return undefined;
  const all = ports.length === 0 ? 'a codec is a pure function and needs nothing' : `there are ${ports.join(', ')}`;
  return `${kind} "${name}" needs "${foreign}", which a ${kind} does not get; ${all}`;
}
