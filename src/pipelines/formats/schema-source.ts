import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { field, quoteValue, z } from '../../sdk/index.ts';
import { parseAvro } from './avro/schema.ts';
import { type ProtoFiles, type ProtoSchema, parseProto } from './protobuf/schema.ts';

/** Files that one .proto file imports, also through others. */
const MAX_IMPORTS = 200;
const IMPORT = /^[ \t]*import[ \t]+(?:public[ \t]+|weak[ \t]+)?"([^"\n]{1,300})"/gm;

export const schemaFile = field
  .plainText()
  .min(1, 'expected the path of a file')
  .optional()
  .describe(
    'Path of a file with the schema, read at the start, relative to the directory in which Tidegate is started.',
  );

export const avroText = z.unknown().optional().describe('The Avro schema itself, as YAML or as the text of its JSON.');
export const protoText = z
  .string('expected the text of a .proto file')
  .optional()
  .describe('The text of a .proto file.');
export const jsonText = z.record(z.string(), z.unknown()).optional().describe('The JSON Schema itself.');

export interface Given {
  readonly schema?: unknown;
  readonly file?: string | undefined;
}

/** The text of a schema that the configuration gives; undefined where it gives none. Throws an Error that names the file. */
export function textOf({ schema, file }: Given): string | undefined {
  if (file !== undefined) return readSchema(file);
  return schema === undefined || typeof schema === 'string' ? schema : JSON.stringify(schema);
}

/** A schema and its text. */
export interface Parsed<T> {
  readonly text: string;
  readonly parsed: T;
}

export function avroOf(given: Given) {
  return parsedOf(given, (text) => parseAvro(text));
}

/** Imports are looked for beside the file. */
export function protoOf(given: Given): Parsed<ProtoSchema> | undefined {
  return parsedOf(given, (text) => {
    const imports = new Map<string, string>();
    if (given.file !== undefined) addImports(text, dirname(given.file), imports);
    const files: ProtoFiles = { text, imports };
    return parseProto(files);
  });
}

function parsedOf<T>(given: Given, parse: (text: string) => T): Parsed<T> | undefined {
  const text = textOf(given);
  return text === undefined ? undefined : { text, parsed: parse(text) };
}

function addImports(text: string, directory: string, imports: Map<string, string>): void {
  for (const [, name = ''] of text.matchAll(IMPORT)) {
    const path = join(directory, name);
    // Those of Protobuf itself are known; of another one the parser says what it misses.
    if (imports.has(name) || !existsSync(path)) continue;
    if (imports.size >= MAX_IMPORTS) throw new Error(`the Protobuf schema imports more than ${MAX_IMPORTS} files`);
    const imported = readSchema(path);
    imports.set(name, imported);
    addImports(imported, directory, imports);
  }
}

/** Throws an Error that names the file. */
export function readSchema(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`the schema ${quoteValue(file)} cannot be read: ${(error as Error).message}`);
  }
}

/** A JSON Schema in a file. Throws an Error that names the file. */
export function readJsonSchema(file: string): object {
  const text = readSchema(file);
  try {
    const schema: unknown = JSON.parse(text);
    if (typeof schema === 'object' && schema !== null) return schema;
  } catch (error) {
    throw new Error(`the schema ${quoteValue(file)} is not JSON: ${(error as Error).message}`);
  }
  throw new Error(`the schema ${quoteValue(file)} is not a JSON object`);
}

/**
 * Runs `parse` over settings that have been checked, and makes what it throws a mistake of the schema or its file.
 * For `transform`: gives z.NEVER then.
 */
export function checked<S extends Given, T>(parse: (given: S) => T) {
  return (given: S, context: z.core.$RefinementCtx): T => {
    try {
      return parse(given);
    } catch (error) {
      const path = given.file === undefined ? (given.schema === undefined ? [] : ['schema']) : ['file'];
      context.issues.push({
        code: 'custom',
        message: (error as Error).message,
        input: given.file ?? given.schema,
        path,
      });
      return z.NEVER;
    }
  };
}

/** A schema among settings: it may lead back to itself, and lint walks through all settings. */
export function hidden<T>(schema: T): () => T {
  return () => schema;
}
