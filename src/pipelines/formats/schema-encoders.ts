import type { Clock } from '../../core/clock.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import { type RegisteredSchema, SchemaRegistry, type SchemaType } from './registry/client.ts';
import { subjectOf, type WritingRegistry } from './registry/settings.ts';
import { withSchemaId } from './registry/wire-format.ts';

/** Makes bytes of a value of JSON, or a promise of them where a schema has to be fetched or registered first. */
export type Encode = (value: unknown) => Buffer | Promise<Buffer>;

/** How values are written by a schema, and what is in front of each beside the id. */
export interface Writing {
  readonly prefix: Buffer;
  readonly encode: (value: unknown) => Buffer;
}

/** A schema of the configuration that is to be registered. */
export interface OwnSchema {
  readonly text: string;
  /** Of its record or message. */
  readonly name: string | undefined;
  readonly writing: Writing;
}

export interface EncoderParts {
  readonly registry: WritingRegistry;
  readonly clock: Clock;
  readonly type: SchemaType;
  /** To register; undefined: the newest schema of the subject is used. */
  readonly own: OwnSchema | undefined;
  readonly writingOf: (schema: RegisteredSchema) => Writing;
}

/** A failure to get a newer schema is no reason not to use the one before; it is asked for again after this time. */
const RETRY_AGE = 10_000;

interface Current {
  readonly id: number;
  readonly writing: Writing;
}

/** Puts the id of a subject's schema in front of what is written by it. */
export function registryEncoder(parts: EncoderParts): Encode {
  const target = new Target(parts);
  return (value) => {
    const current = target.current();
    if (current instanceof Promise) return current.then((loaded) => encodeWith(loaded, value));
    return encodeWith(current, value);
  };
}

function encodeWith({ id, writing }: Current, value: unknown): Buffer {
  return withSchemaId(id, [writing.prefix, writing.encode(value)]);
}

/** The schema that is written with now. */
class Target {
  private readonly parts: EncoderParts;
  private readonly registry: SchemaRegistry;
  private readonly subject: string;
  private known: Current | undefined;
  private failure: TidegateError | undefined;
  /** When the registry is asked again. */
  private until = 0;

  constructor(parts: EncoderParts) {
    this.parts = parts;
    this.registry = new SchemaRegistry(parts.registry);
    // The settings were refused where it needs a name that is not known.
    this.subject = subjectOf(parts.registry, parts.own?.name) ?? '';
  }

  current(): Current | Promise<Current> {
    const isDue = this.parts.clock.elapsed() >= this.until;
    if (this.known !== undefined && (!isDue || this.parts.own !== undefined)) return this.known;
    if (this.failure !== undefined && !isDue) throw this.failure;
    return this.ask();
  }

  private async ask(): Promise<Current> {
    const { clock, registry } = this.parts;
    try {
      this.known = await this.load();
      this.until = clock.elapsed() + registry.refresh;
      this.failure = undefined;
      return this.known;
    } catch (error) {
      const failure = asTidegateError(error, 'TG_PROCESSOR_FAILED');
      if (this.known === undefined && failure.retryable) throw failure;
      this.until = clock.elapsed() + RETRY_AGE;
      if (this.known !== undefined) return this.known;
      this.failure = failure;
      throw failure;
    }
  }

  private async load(): Promise<Current> {
    const { own, type, writingOf } = this.parts;
    if (own !== undefined)
      return { id: await this.registry.register(this.subject, type, own.text), writing: own.writing };
    const schema = await this.registry.latest(this.subject);
    if (schema.type !== type)
      throw new TidegateError(
        'TG_PROCESSOR_FAILED',
        `the newest schema of the subject ${this.subject} is of the type ${schema.type}, and not ${type}`,
      );
    try {
      return { id: schema.id, writing: writingOf(schema) };
    } catch (error) {
      throw asTidegateError(
        error,
        'TG_PROCESSOR_FAILED',
        `the newest schema of the subject ${this.subject} cannot be used`,
      );
    }
  }
}
