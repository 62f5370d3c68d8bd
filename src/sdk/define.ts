import type { z } from 'zod';
import type { Codec, Operator, Processor, Sink, Source } from '../core/component.ts';
import type { ComponentContext } from './context.ts';

export type Kind = 'source' | 'sink' | 'processor' | 'operator' | 'codec';

/** How often a source's records are seen by a deployment: decides what a pipeline may do with them. */
export type Sharing =
  /** Each record belongs to this gateway alone (a socket's frames). */
  | 'own'
  /** Every gateway sees every record, nothing is committed. */
  | 'broadcast'
  /** Partitions are shared between gateways, offsets are committed. */
  | 'shared';

/** A name in a component's config that has to exist elsewhere in the file. `path` leads to it inside that config. */
export interface Reference {
  readonly to: 'endpoint' | 'topic';
  readonly name: string;
  readonly path: readonly (string | number)[];
}

interface Spec<K extends Kind, Schema extends z.ZodType, Made> {
  readonly kind: K;
  /** The word that stands in the YAML: nouns for sources and sinks, verbs for processors. */
  readonly name: string;
  /** One sentence for lists and reference pages. */
  readonly summary: string;
  /** Strict schema of the component's own settings. Descriptions become documentation. */
  readonly config: Schema;
  /** Configs that lint; shown in the reference. */
  readonly examples: readonly z.input<Schema>[];
  readonly references?: (config: z.output<Schema>) => readonly Reference[];
  readonly create: (config: z.output<Schema>, context: ComponentContext) => Made;
}

export interface SourceSpec<S extends z.ZodType = z.ZodType> extends Spec<'source', S, Source> {
  readonly sharing: (config: z.output<S>) => Sharing;
  /** Names that its messages may have in `meta`, parameters of an endpoint's path aside; left out, lint accepts any. */
  readonly meta?: readonly string[];
}
export interface SinkSpec<S extends z.ZodType = z.ZodType> extends Spec<'sink', S, Sink> {
  /** `clients`: one write reaches many sockets; `records`: it adds to a log or another system. */
  readonly reaches: 'clients' | 'records';
}
export interface ProcessorSpec<S extends z.ZodType = z.ZodType> extends Spec<'processor', S, Processor> {}
export interface OperatorSpec<S extends z.ZodType = z.ZodType> extends Spec<'operator', S, Operator> {
  /** A stateful operator keeps messages; lint refuses it where clients wait for their answers. */
  readonly stateful: boolean;
}
export interface CodecSpec<S extends z.ZodType = z.ZodType> extends Spec<'codec', S, Codec> {
  /** Its clients know of each other: the codec has a `membership`, and its endpoints need a `presence`. */
  readonly hasMembers?: boolean;
  /** Its clients deal with topics by themselves: the codec has `topics`, and its endpoints need no pipeline. */
  readonly servesTopics?: boolean;
  /** Subprotocols (RFC 6455 1.9) of endpoints that list none. */
  readonly protocols?: readonly string[];
  /**
   * It has a rule of its own for the parameters of the path, and closes a client that breaks it with a reason that a
   * browser's script can read. Otherwise a parameter without a printable character, or with controls, is a 404.
   */
  readonly checksParams?: boolean;
  /** A page for browsers that speaks it, by name: one of those that Tidegate brings. */
  readonly page?: 'rooms' | 'chat';
}

export type ComponentSpec = SourceSpec | SinkSpec | ProcessorSpec | OperatorSpec | CodecSpec;

/** Declares a source: `create` returns `open / batches$ / pause / resume / close`. */
export function defineSource<S extends z.ZodType>(spec: Omit<SourceSpec<S>, 'kind'>): SourceSpec<S> {
  return { kind: 'source', ...spec };
}

/** Declares a sink: `create` returns `open / write / idle / close`. */
export function defineSink<S extends z.ZodType>(spec: Omit<SinkSpec<S>, 'kind'>): SinkSpec<S> {
  return { kind: 'sink', ...spec };
}

/** Declares a processor: `create` returns `process(message)`. */
export function defineProcessor<S extends z.ZodType>(spec: Omit<ProcessorSpec<S>, 'kind'>): ProcessorSpec<S> {
  return { kind: 'processor', ...spec };
}

/** Declares an operator on the flow of batches, for what a processor cannot do alone: windows, joins. */
export function defineOperator<S extends z.ZodType>(spec: Omit<OperatorSpec<S>, 'kind'>): OperatorSpec<S> {
  return { kind: 'operator', ...spec };
}

/** Declares a wire protocol. */
export function defineCodec<S extends z.ZodType, State>(
  spec: Omit<CodecSpec<S>, 'kind' | 'create'> & { readonly create: (config: z.output<S>) => Codec<State> },
): CodecSpec<S> {
  return { kind: 'codec', ...spec } as unknown as CodecSpec<S>;
}
