import { TidegateError } from '../../../core/errors.ts';
import { isJsonObject, quoteValue } from '../../../sdk/index.ts';
import { type Answer, type HttpSettings, JsonApi, messageOf } from './http.ts';

export const SCHEMA_TYPES = ['AVRO', 'PROTOBUF', 'JSON'] as const;
export type SchemaType = (typeof SCHEMA_TYPES)[number];

/** A schema as the registry has it. */
export interface RegisteredSchema {
  readonly id: number;
  readonly type: SchemaType;
  readonly text: string;
  /** Texts of the schemas that it uses, by the names by which it uses them; those first that others use. */
  readonly references: ReadonlyMap<string, string>;
}

/** Schemas that one schema uses, also through others. */
const MAX_REFERENCES = 200;
const MAX_ID = 2 ** 31 - 1;

/**
 * The API of Confluent's schema registry, which others speak too (Karapace, Apicurio, Redpanda).
 * https://docs.confluent.io/platform/current/schema-registry/develop/api.html
 */
export class SchemaRegistry {
  private readonly api: JsonApi;

  constructor(settings: HttpSettings) {
    this.api = new JsonApi(settings);
  }

  /** The schema with that id. Rejects with TG_MESSAGE_INVALID where there is none. */
  async byId(id: number): Promise<RegisteredSchema> {
    const answer = await this.api.call('GET', `/schemas/ids/${id}`);
    if (isMissing(answer))
      throw new TidegateError('TG_MESSAGE_INVALID', `the schema registry ${this.api.shownUrl} has no schema ${id}`);
    return this.schemaIn(answer, id);
  }

  /** The newest schema of a subject. Rejects with TG_PROCESSOR_FAILED where there is none. */
  async latest(subject: string): Promise<RegisteredSchema> {
    const answer = await this.api.call('GET', `/subjects/${encodeURIComponent(subject)}/versions/latest`);
    if (isMissing(answer))
      throw this.api.failed(`has no subject ${quoteValue(subject)}; register a schema there, or set register: true`);
    return this.schemaIn(answer, this.idIn(answer));
  }

  /** Makes a schema the newest of a subject, unless it is one of its schemas already; gives its id. */
  async register(subject: string, type: SchemaType, text: string): Promise<number> {
    const body = type === 'AVRO' ? { schema: text } : { schema: text, schemaType: type };
    const answer = await this.api.call('POST', `/subjects/${encodeURIComponent(subject)}/versions`, body);
    if (answer.status === 409)
      throw this.api.failed(
        `has another schema in ${quoteValue(subject)} with which this one is not compatible${messageOf(answer.json)}`,
      );
    return this.idIn(answer);
  }

  private idIn(answer: Answer): number {
    const { id } = this.objectIn(answer);
    if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= MAX_ID) return id;
    throw this.api.failed('answers without an "id" of a schema');
  }

  private async schemaIn(answer: Answer, id: number): Promise<RegisteredSchema> {
    const { type, text, references } = this.partsOf(answer);
    const found = new Map<string, string>();
    await this.collect(references, found, 0);
    return { id, type, text, references: found };
  }

  /** Those that a schema uses come in front of it. */
  private async collect(references: readonly unknown[], found: Map<string, string>, depth: number): Promise<void> {
    for (const reference of references) {
      const { name, subject, version } = (reference ?? {}) as Readonly<Record<string, unknown>>;
      if (typeof name !== 'string' || typeof subject !== 'string' || !Number.isInteger(version))
        throw this.api.failed('answers with a reference that has no name, subject and version');
      if (found.has(name)) continue;
      if (depth > 20 || found.size >= MAX_REFERENCES)
        throw this.api.failed(`has a schema that uses more than ${MAX_REFERENCES} others, or itself`);
      const answer = await this.api.call('GET', `/subjects/${encodeURIComponent(subject)}/versions/${version}`);
      if (isMissing(answer))
        throw this.api.failed(`has no version ${version} of ${quoteValue(subject)}, which a schema uses`);
      const used = this.partsOf(answer);
      await this.collect(used.references, found, depth + 1);
      found.set(name, used.text);
    }
  }

  private partsOf(answer: Answer) {
    const { schema: text, schemaType: type = 'AVRO', references = [] } = this.objectIn(answer);
    if (typeof text !== 'string') throw this.api.failed('answers without a "schema" that is a text');
    const known = SCHEMA_TYPES.find((one) => one === type);
    if (known === undefined) throw this.api.failed(`answers with a schema of the type ${quoteValue(String(type))}`);
    if (references !== null && !Array.isArray(references))
      throw this.api.failed('answers with "references" that are no list');
    return { text, type: known, references: references ?? [] };
  }

  private objectIn({ status, json }: Answer): Readonly<Record<string, unknown>> {
    if (status !== 200) throw this.api.failed(`answers with status ${status}${messageOf(json)}; check "url"`);
    if (!isJsonObject(json)) throw this.api.failed('answers with something that is not a JSON object; check "url"');
    return json;
  }
}

/** As the registry says it. Any server answers with 404, but without such a code. */
function isMissing({ status, json }: Answer): boolean {
  return status === 404 && isJsonObject(json) && typeof json.error_code === 'number';
}
