import type * as protobufjs from 'protobufjs';
import { lazyLibrary } from '../../../core/lazy-library.ts';
import { quoteValue } from '../../../sdk/index.ts';
import type { EnumType, MessageType, ProtoField, ScalarKind, ValueType } from './types.ts';

// Its parser alone: its own encoders are code that it makes of a schema, and do not bound what they make.
const library = lazyLibrary<typeof protobufjs>('protobufjs');

/** The text of a .proto file and of those that it imports, by the names by which they are imported. */
export interface ProtoFiles {
  readonly text: string;
  readonly imports: ReadonlyMap<string, string>;
}

/** What a .proto file describes. */
export interface ProtoSchema {
  /** The message with that name, with or without its package; the first one of the file where no name is given. */
  message(name?: string): MessageType;
  /** The message at these indexes: the position in the file, then in the message around it. */
  messageAt(indexes: readonly number[]): MessageType;
  /** The way back. */
  indexesOf(type: MessageType): readonly number[];
}

/** Throws an Error that says what is wrong with the schema. */
export function parseProto(files: ProtoFiles): ProtoSchema {
  try {
    return new ParsedSchema(files);
  } catch (error) {
    throw new Error(`the Protobuf schema cannot be used: ${quoteValue((error as Error).message)}`);
  }
}

class ParsedSchema implements ProtoSchema {
  private readonly root: protobufjs.Root;
  /** Names of the messages of the file itself, by their indexes joined by dots; in the order of the file. */
  private readonly names = new Map<string, string>();
  private readonly made = new Map<string, MessageType>();

  constructor({ text, imports }: ProtoFiles) {
    this.root = new (library().Root)();
    addFile(this.root, text, imports, new Set());
    this.root.resolveAll();
    // On its own: in one root the messages of all files of a package are in one list.
    const alone = library().parse(text, new (library().Root)(), { keepCase: true });
    this.note(messagesIn(alone.root, alone.package), '');
    if (this.names.size === 0) throw new Error('it has no message');
  }

  message(name?: string): MessageType {
    const [first] = this.names.values();
    const found =
      name === undefined ? first : [...this.names.values()].find((full) => full === name || full.endsWith(`.${name}`));
    if (found === undefined)
      throw new Error(
        `the Protobuf schema has no message ${quoteValue(name ?? '')}; it has ${quoteValue([...this.names.values()].join(', '))}`,
      );
    return this.typeOf(this.root.lookupType(found));
  }

  messageAt(indexes: readonly number[]): MessageType {
    const name = this.names.get(indexes.join('.'));
    if (name === undefined)
      throw new Error(`the Protobuf schema has no message at [${indexes.slice(0, 10).join(', ')}]`);
    return this.message(name);
  }

  indexesOf({ name }: MessageType): readonly number[] {
    const [indexes = ''] = [...this.names].find(([, full]) => full === name) ?? [];
    return indexes.split('.').map(Number);
  }

  private note(types: readonly protobufjs.Type[], before: string): void {
    for (const [index, type] of types.entries()) {
      this.names.set(`${before}${index}`, nameOf(type));
      this.note(nestedMessages(type), `${before}${index}.`);
    }
  }

  private typeOf(type: protobufjs.Type): MessageType {
    const name = nameOf(type);
    const known = this.made.get(name);
    if (known !== undefined) return known;
    const made: MessageType = { name, fields: [], byNumber: new Map(), byName: new Map() };
    this.made.set(name, made);
    for (const field of type.fieldsArray) {
      const one = this.fieldOf(field);
      made.fields.push(one);
      made.byNumber.set(one.number, one);
      made.byName.set(one.name, one).set(one.jsonName, one);
    }
    return made;
  }

  private fieldOf(field: protobufjs.Field): ProtoField {
    const value = this.valueOf(field);
    const oneof = field.partOf?.name;
    return {
      name: field.name,
      jsonName: jsonNameOf(field),
      number: field.id,
      value,
      isRepeated: field.repeated,
      isPacked:
        field.repeated && field.packed && value.kind !== 'string' && value.kind !== 'bytes' && value.kind !== 'message',
      mapKey: field.map ? ((field as unknown as protobufjs.MapField).keyType as ScalarKind) : undefined,
      hasPresence: value.kind === 'message' || field.hasPresence,
      oneof,
      isRequired: field.required,
    };
  }

  private valueOf(field: protobufjs.Field): ValueType {
    const { resolvedType } = field;
    if (resolvedType === null) return { kind: field.type as ScalarKind };
    if ('fieldsArray' in resolvedType) {
      if ((resolvedType as { readonly group?: boolean }).group)
        throw new Error(`${field.name} is a group; use a message`);
      return { kind: 'message', type: this.typeOf(resolvedType) };
    }
    return { kind: 'enum', type: enumOf(resolvedType) };
  }
}

function addFile(root: protobufjs.Root, text: string, imports: ReadonlyMap<string, string>, added: Set<string>): void {
  const { imports: names = [] } = library().parse(text, root, { keepCase: true });
  for (const name of names) {
    if (added.has(name)) continue;
    added.add(name);
    const imported = imports.get(name);
    if (imported !== undefined) addFile(root, imported, imports, added);
    else addKnown(root, name);
  }
}

/** Those that come with Protobuf. An import that is not known is a mistake only where something of it is used. */
function addKnown(root: protobufjs.Root, name: string): void {
  const { nested } =
    (library().common.get(name) as { readonly nested?: Record<string, protobufjs.AnyNestedObject> } | null) ?? {};
  if (nested !== undefined) root.addJSON(nested);
}

function messagesIn(root: protobufjs.Root, packageName: string | undefined): protobufjs.Type[] {
  const space = packageName === undefined ? root : (root.lookup(packageName) as protobufjs.Namespace | null);
  return space === null ? [] : nestedMessages(space);
}

function nestedMessages({ nestedArray }: protobufjs.NamespaceBase): protobufjs.Type[] {
  return nestedArray.filter((inner): inner is protobufjs.Type => inner instanceof library().Type);
}

function nameOf({ fullName }: protobufjs.ReflectionObject): string {
  return fullName.replace(/^\./, '');
}

function jsonNameOf({ name, options }: protobufjs.Field): string {
  const given: unknown = options?.json_name;
  return typeof given === 'string'
    ? given
    : name.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function enumOf(type: protobufjs.Enum): EnumType {
  const entries = Object.entries(type.values);
  const nameOfNumber = new Map<number, string>();
  // Where two have one number, the first one is its name.
  for (const [name, number] of entries) if (!nameOfNumber.has(number)) nameOfNumber.set(number, name);
  return { name: nameOf(type), numberOf: new Map(entries), nameOf: nameOfNumber };
}
