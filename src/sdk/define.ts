import type { z } from 'zod';
import type { Codec, Operator, Processor, ProcessorCall, Sink, Source } from '../core/component.ts';
import type { Message } from '../core/message.ts';
import type { JoiningOperator, StatefulOperator } from '../core/stateful-operator.ts';
import {
  ALL_PORTS,
  type ComponentContext,
  type ConnectedContext,
  type ContextWith,
  type GatewayPort,
  type TopicPattern,
} from './context.ts';
import type { Example } from './example.ts';
import type { Expression } from './expression.ts';

export type Kind = 'source' | 'sink' | 'processor' | 'operator' | 'codec';

/** The ports of its gateway that a component may need. Processors and operators connect nothing, and a codec is a pure function. */
export const PORTS_OF_KIND = {
  source: ALL_PORTS,
  sink: ALL_PORTS,
  processor: ['follow'],
  operator: ['follow', 'topic'],
  codec: [],
} as const satisfies Record<Kind, readonly GatewayPort[]>;

type PortOf<K extends Kind> = (typeof PORTS_OF_KIND)[K][number];

/** Which gateways of a deployment receive a source's records; it decides what a pipeline may do with them. */
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
  /** The newest record of each key is what counts of the topic: where Tidegate has to create it, it is compacted. */
  readonly isTable?: boolean;
}

/** A sink within the settings of another. */
export interface InnerSink {
  readonly spec: SinkSpec;
  /** Output of its own schema. */
  readonly config: unknown;
}

/** Something within the settings of a component, and its place in them. */
export interface InnerValue {
  readonly value: unknown;
  readonly path: readonly (string | number)[];
}

interface Spec<K extends Kind, Schema extends z.ZodType, Made> {
  readonly kind: K;
  /** The word in the YAML: a noun for sources and sinks, a verb for processors. */
  readonly name: string;
  /** One sentence for lists and reference pages. */
  readonly summary: string;
  /** Strict schema of the component's own settings. Descriptions become documentation. */
  readonly config: Schema;
  /** What there is to know beyond the summary, for its page: a few sentences of Markdown. */
  readonly description?: string;
  /** When a message fails in it, for its page: one sentence each. */
  readonly failures?: readonly string[];
  /** Configs that lint, shown in the reference; with a title, and for processors with what goes in and what comes out. */
  readonly examples: readonly (z.input<Schema> | Example<z.input<Schema>>)[];
  readonly references?: (config: z.output<Schema>) => readonly Reference[];
  /** The most memory that what it keeps beside messages may take, in bytes. */
  readonly memory?: (config: z.output<Schema>) => number;
  /** Versions of Tidegate that it works with, such as `^0.1`; a package says the same in `peerDependencies`. */
  readonly sdk?: string;
  /** Ports of its gateway that `create` gets beside the rest, as `context.gateway`. */
  readonly needs?: readonly GatewayPort[];
  /** The file or package that it was loaded from. Set by the loader; our own components have none. */
  readonly plugin?: string;
  /** Topics for its own data: clients of the codec `topics` can neither read nor write them. */
  readonly internalTopics?: (config: z.output<Schema>) => readonly string[];
  readonly create: (config: z.output<Schema>, context: ConnectedContext) => Made;
}

export interface SourceSpec<S extends z.ZodType = z.ZodType> extends Spec<'source', S, Source> {
  readonly sharing: (config: z.output<S>) => Sharing;
  /** Names that its messages may have in `meta`, besides parameters of an endpoint's path; if omitted, lint accepts any. */
  readonly meta?: readonly string[];
  /** What its settings have in place of names of topics: patterns of topics that are not named. */
  readonly patterns?: (config: z.output<S>) => readonly TopicPattern[];
}
export interface SinkSpec<S extends z.ZodType = z.ZodType> extends Spec<'sink', S, Sink> {
  /**
   * `clients`: one write reaches many sockets; `records`: it adds to a log or another system; `process`: it ends in this
   * process; `inner`: what the sinks within it reach.
   */
  readonly reaches: 'clients' | 'records' | 'process' | 'inner';
  /** The sinks within its settings, with their places: of settings as they are written, or parsed. */
  readonly inner?: (settings: unknown) => readonly InnerValue[];
  /** Whether the inner sinks get copies of a message: `each` of them one, or `one` at a time. They get the message itself otherwise. */
  readonly copies?: 'each' | 'one';
  /** How many topics may be written to at a time, where their names come from messages. */
  readonly openTopics?: (config: z.output<S>) => number;
  /** What its records' channels at an endpoint are called; undefined where they are for all clients, or for none. */
  readonly channels?: (config: z.output<S>) => readonly Expression[] | undefined;
}
export interface ProcessorSpec<S extends z.ZodType = z.ZodType> extends Spec<'processor', S, Processor> {
  /** Whether it may give a message another key; if omitted, it does not. */
  readonly setsKey?: (config: z.output<S>) => boolean;
  /** Whether it may make several messages of one; if omitted, it does not. */
  readonly splits?: boolean;
}
export interface OperatorSpec<S extends z.ZodType = z.ZodType>
  extends Spec<'operator', S, Operator | StatefulOperator | JoiningOperator> {
  /** A stateful operator keeps messages; lint refuses it if clients wait for answers. */
  readonly stateful: boolean;
  /**
   * Whether it does the same with a message that is read again after a restart; if omitted, it does. Lint refuses one that
   * does not in front of an operator whose state is rebuilt that way.
   */
  readonly isRepeatable?: boolean | ((config: z.output<S>) => boolean);
  /** Its state is rebuilt by reading again, so its source has to be topics with a group. `create` gives a StatefulOperator. */
  readonly needsGroup?: boolean;
  /** As `needsGroup`, but topics without a group will do: nothing is committed then, and nothing read again. */
  readonly needsTopic?: boolean;
  /** What it groups records by, if not by their keys: lint says that equal values have to be in one partition. */
  readonly groupsBy?: (config: z.output<S>) => Expression | undefined;
  /** It joins these topics: the source has to name them and no other. `create` gives a JoiningOperator. */
  readonly joins?: (config: z.output<S>) => readonly { readonly topic: string; readonly setting: string }[];
}
/** The web pages that Tidegate brings, each for one protocol; `channels` is for endpoints with subscriptions. */
export type PageName = 'rooms' | 'chat' | 'channels';

export interface CodecSpec<S extends z.ZodType = z.ZodType> extends Spec<'codec', S, Codec> {
  /** Clients are members of a room: the codec has a `membership`, and its endpoints need a `presence`. */
  readonly hasMembers?: boolean;
  /** Clients read and write topics directly: the codec has `topics`, and its endpoints need no pipeline. */
  readonly servesTopics?: boolean;
  /** Clients say who they are in their first command, if not in the handshake: the codec has an `introduction`. */
  readonly introduces?: boolean;
  /** Clients that have missed records connect again and ask for them: none are left out on purpose. */
  readonly resumes?: boolean;
  /** Names that messages of its clients may have in `meta`, besides those that all have. */
  readonly meta?: readonly string[];
  /** Clients can subscribe to channels by frames of the protocol: the codec has `channels`. */
  readonly subscribes?: boolean;
  /** Clients can publish to channels by frames of the protocol: the codec has `channels`. */
  readonly publishes?: boolean;
  /** Clients can ask which clients are in a channel by frames of the protocol: its `channels` have `presence`. */
  readonly seesPresence?: boolean;
  /** Subprotocols (RFC 6455 1.9) of endpoints that list none. */
  readonly protocols?: readonly string[];
  /**
   * It has a rule of its own for the parameters of the path, and closes a client that breaks it with a reason that a
   * browser's script can read. Otherwise a parameter without a printable character, or with controls, is a 404.
   */
  readonly checksParams?: boolean;
  /**
   * A parameter of the path as the protocol understands it, where two spellings are one name: what `allow` is asked about.
   * The text itself if it is left out.
   */
  readonly readParam?: (text: string) => string;
  /** A page for browsers that speaks it, by name: one of those that Tidegate brings. */
  readonly page?: PageName;
}

export type ComponentSpec = SourceSpec | SinkSpec | ProcessorSpec | OperatorSpec | CodecSpec;

/** A spec as it is written: its `create` gets the ports that it needs. */
type Defined<
  K extends Kind,
  Whole extends { readonly kind: K },
  S extends z.ZodType,
  N extends GatewayPort,
  Made,
> = Omit<Whole, 'kind' | 'plugin' | 'needs' | 'create'> & {
  readonly needs?: readonly N[];
  readonly create: (config: z.output<S>, context: ContextWith<N>) => Made;
};

/** Declares a source: `create` returns `open / batches$ / pause / resume / close`. */
export function defineSource<S extends z.ZodType, N extends PortOf<'source'> = never>(
  spec: Defined<'source', SourceSpec<S>, S, N, Source>,
): SourceSpec<S> {
  return { kind: 'source', ...spec } as unknown as SourceSpec<S>;
}

/** Declares a sink: `create` returns `open / write / idle / close`. */
export function defineSink<S extends z.ZodType, N extends PortOf<'sink'> = never>(
  spec: Defined<'sink', SinkSpec<S>, S, N, Sink>,
): SinkSpec<S> {
  return { kind: 'sink', ...spec } as unknown as SinkSpec<S>;
}

/** A processor as it is written: the engine gives it a call with every message. */
interface WrittenProcessor extends Omit<Processor, 'process'> {
  process(message: Message, call: ProcessorCall): ReturnType<Processor['process']>;
}

/** Declares a processor: `create` returns `process(message)`. */
export function defineProcessor<S extends z.ZodType, N extends PortOf<'processor'> = never>(
  spec: Defined<'processor', ProcessorSpec<S>, S, N, WrittenProcessor>,
): ProcessorSpec<S> {
  return { kind: 'processor', ...spec } as unknown as ProcessorSpec<S>;
}

/** Declares an operator on the flow of batches, for what a processor cannot do alone: windows, joins. */
export function defineOperator<S extends z.ZodType, N extends PortOf<'operator'> = never>(
  spec: Defined<'operator', OperatorSpec<S>, S, N, Operator | StatefulOperator | JoiningOperator>,
): OperatorSpec<S> {
  return { kind: 'operator', ...spec } as unknown as OperatorSpec<S>;
}

/** Declares a wire protocol. */
export function defineCodec<S extends z.ZodType, State>(
  spec: Omit<CodecSpec<S>, 'kind' | 'plugin' | 'needs' | 'create'> & {
    readonly create: (config: z.output<S>, context: ComponentContext) => Codec<State>;
  },
): CodecSpec<S> {
  return { kind: 'codec', ...spec } as unknown as CodecSpec<S>;
}
