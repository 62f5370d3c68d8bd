/** One setting of a transform or predicate, as Kafka Connect defines it. */
export interface Setting {
  readonly name: string;
  readonly type: 'STRING' | 'LIST' | 'BOOLEAN';
  /** undefined: the setting is required. null: it is optional and has no default. */
  readonly default: string | null | undefined;
  readonly importance: 'HIGH' | 'MEDIUM' | 'LOW';
  readonly documentation: string;
  readonly oneOf?: readonly string[];
  /** What is wrong with a value, behind the words "Invalid value ... for configuration ...: "; undefined: nothing. */
  readonly flaw?: (value: string | readonly string[]) => string | undefined;
  /** The same as a whole sentence. */
  readonly mistake?: (value: string | readonly string[]) => string | undefined;
}

/** Settings of one transform, read and checked one by one. */
export interface Given {
  /** undefined where it is not given and has no default. */
  text(name: string): string | undefined;
  list(name: string): readonly string[];
}

/** Settings that are valid one by one but not together. Thrown when a transform is made. */
export class SettingMistake extends Error {
  /** The one to report it at. */
  readonly setting: string;

  constructor(setting: string, message: string) {
    super(message);
    this.setting = setting;
  }
}

/** A class of Kafka's that is created by its settings. */
export interface PluginClass<Made> {
  /** Full name. */
  readonly name: string;
  readonly settings: readonly Setting[];
  /** Throws SettingMistake. */
  readonly create: (given: Given) => Made;
}

export const nonEmptyList = (value: string | readonly string[]) => (value.length === 0 ? 'Empty list' : undefined);

export const nonEmptyText = (value: string | readonly string[]) =>
  value.length === 0 ? 'String must be non-empty' : undefined;

/** For records with schemas, which there are none of: accepted, as connectors that move here may have it. */
export const replaceNullWithDefault: Setting = {
  name: 'replace.null.with.default',
  type: 'BOOLEAN',
  default: 'true',
  importance: 'MEDIUM',
  documentation: 'Whether null becomes the default of its schema. Records have no schemas here, so it changes nothing.',
};
