import { InternalTopics } from '../../core/internal-topics.ts';
import { quoteValue } from '../../core/quote.ts';
import { isOpenUrl } from '../../core/secrets.ts';
import { converterOf } from './converters.ts';

/** A connector's settings as Kafka Connect knows them: one level, all text. null is a key without a value. */
export type FlatConfig = Readonly<Record<string, string | null>>;

export type DefinitionType = 'STRING' | 'INT' | 'LONG' | 'BOOLEAN' | 'LIST' | 'PASSWORD' | 'CLASS';

/** How a text becomes the value of a setting of our own. Throws an Error whose message does not quote the text. */
export type Conversion = (text: string, internal: InternalTopics) => unknown;

/** Where a text may hold secrets. `whole`: all of it is one. */
export type SecretPlace = 'whole' | 'headers' | 'url' | 'json';

/** One setting of a connector, as `/connector-plugins/{class}/config` describes it (org.apache.kafka.common.config.ConfigDef). */
export interface Definition {
  readonly name: string;
  readonly type: DefinitionType;
  /** undefined: the setting is required. null: it is optional and has no default. */
  readonly default: string | null | undefined;
  readonly importance: 'HIGH' | 'MEDIUM' | 'LOW';
  readonly documentation: string;
  /** null: that of a plugin by itself, which belongs to no connector yet. */
  readonly group: string | null;
  readonly order: number;
  readonly width: 'NONE' | 'SHORT' | 'MEDIUM' | 'LONG';
  readonly displayName: string;
  readonly min?: number;
  readonly max?: number;
  readonly oneOf?: readonly string[];
  /** The mistake in a value, in Connect's words; undefined if there is none. */
  readonly flaw?: (text: string, value: Value) => string | undefined;
  /** The same as a whole sentence. */
  readonly mistake?: (value: Value) => string | undefined;
  /** What mistakes call it, where that is not its name: a transform does not know its alias. */
  readonly calledAs?: string;
  /** Whether there is such a class; those of converters where this is left out. */
  readonly isClass?: (name: string) => boolean;
  readonly recommended?: readonly string[];
  readonly secrets?: SecretPlace;
  /** The dotted path of the setting in the pipeline of the connector. */
  readonly path?: string;
  readonly convert?: Conversion;
}

/** What Connect shows in place of a secret. */
export const HIDDEN = '[hidden]';

export type Value = string | number | boolean | readonly string[] | null;

/** A setting of one connector, checked. */
export interface CheckedValue {
  readonly definition: Definition;
  /** null where it is not given and has no default, or cannot be read. */
  readonly value: Value;
  /** The value as our own settings have it; undefined where there is none. */
  readonly setting: unknown;
  /** In Connect's own words. */
  readonly errors: readonly string[];
}

/** Connect's sentence for a setting that is given as null. */
export const NULL_VALUE = 'Null value can not be supplied as the configuration value.';

/** Where nothing is configured: those that are internal by their names alone. */
export const INTERNAL_BY_NAME = new InternalTopics();

/** Reads one setting by its definition, with the default where it is not given. `internal`: topics that no connector may use. */
export function check(definition: Definition, config: FlatConfig, internal = INTERNAL_BY_NAME): CheckedValue {
  const { name, convert } = definition;
  const isGiven = Object.hasOwn(config, name);
  const text = isGiven ? (config[name] ?? null) : definition.default;
  const wrong = (value: Value, ...errors: string[]) => ({ definition, value, setting: undefined, errors });
  if (text === undefined) return wrong(null, missing(name));
  if (text === null) return wrong(null, ...refusals(definition, null, null), ...(isGiven ? [NULL_VALUE] : []));
  const value = parse(definition, text);
  if (value instanceof Error)
    return wrong(null, invalid(definition, text, value.message), ...refusals(definition, null, null));
  const errors = refusals(definition, value, text);
  if (errors.length > 0 || isEmpty(value)) return wrong(value, ...errors);
  try {
    return { definition, value, setting: convert === undefined ? value : convert(text, internal), errors };
  } catch (error) {
    return wrong(value, invalid(definition, text, (error as Error).message));
  }
}

function isEmpty(value: Value): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0);
}

export function missing(name: string): string {
  return `Missing required configuration "${name}" which has no default value.`;
}

/** Connect's sentence for an invalid value. A value that may hold secrets is not quoted, and a long one is cut. */
export function invalid({ name, secrets }: Definition, text: string | null, why: string): string {
  const isOpen = secrets === undefined || (secrets === 'url' && text !== null && isOpenUrl(text));
  return `Invalid value ${isOpen ? text && quoteValue(text) : HIDDEN} for configuration ${name}: ${why}`;
}

/** How Connect writes a value; null for none. */
export function textOf(value: Value): string | null {
  if (value === null) return null;
  return Array.isArray(value) ? value.join(',') : String(value);
}

function parse({ type, isClass = isConverter }: Definition, text: string): Value | Error {
  const trimmed = text.trim();
  switch (type) {
    case 'BOOLEAN': {
      const word = trimmed.toLowerCase();
      return word === 'true' || word === 'false'
        ? word === 'true'
        : new Error('Expected value to be either true or false');
    }
    case 'INT':
    case 'LONG': {
      const number = Number(trimmed);
      const most = type === 'INT' ? 2_147_483_647 : Number.MAX_SAFE_INTEGER;
      const isOne = /^[+-]?\d+$/.test(trimmed) && Math.abs(number) <= most;
      return isOne ? number : new Error(`Not a number of type ${type}`);
    }
    case 'LIST':
      return trimmed === '' ? [] : trimmed.split(',').map((part) => part.trim());
    case 'PASSWORD':
      return text;
    case 'CLASS':
      return isClass(trimmed) ? trimmed : new Error(`Class ${quoteValue(trimmed)} could not be found.`);
    default:
      return trimmed;
  }
}

function isConverter(name: string): boolean {
  return converterOf(name) !== undefined;
}

function refusals(definition: Definition, value: Value, text: string | null): string[] {
  const { name, min, max, oneOf, flaw, mistake, calledAs = name } = definition;
  const shown = Array.isArray(value) ? `[${value.join(', ')}]` : value === null ? text : String(value);
  const refuse = (why: string) => [invalid({ ...definition, name: calledAs }, shown, why)];
  if (min !== undefined) {
    if (value === null) return definition.default === null ? [] : refuse('Value must be non-null');
    if ((value as number) < min) return refuse(`Value must be at least ${min}`);
  }
  if (max !== undefined && value !== null && (value as number) > max)
    return refuse(`Value must be no more than ${max}`);
  if (oneOf !== undefined && !oneOf.includes(String(value)))
    return refuse(`String must be one of: ${oneOf.join(', ')}`);
  const found = value === null ? undefined : flaw?.(String(value), value);
  if (found !== undefined) return refuse(found);
  const sentence = mistake?.(value);
  return sentence === undefined ? [] : [sentence];
}
