import type { Definition, FlatConfig } from './definition.ts';
import type { Values } from './values.ts';

/** A mistake in a setting, as a whole sentence. */
export type Mistake = readonly [name: string, sentence: string];

/** A class of connectors. */
export interface ConnectorPlugin {
  readonly type: 'source' | 'sink';
  /** Full names; a connector may have any of them, or its last part, with or without `Connector` at the end. */
  readonly classes: readonly string[];
  readonly taskClass: string;
  /** Its own; those that all connectors share are in `commonDefinitions`. */
  readonly definitions: readonly Definition[];
  /** Mistakes in settings that are valid one by one. */
  readonly mistakes: (values: Values) => readonly Mistake[];
  /** The settings that differ between tasks, for each task: at least one and at most `tasks.max`. */
  readonly assign: (values: Values) => readonly FlatConfig[];
  /** Settings of a task's pipeline by dotted path, in addition to those whose definitions have a path. */
  readonly settings: (values: Values, name: string) => Readonly<Record<string, unknown>>;
  /** The setting of the connector to which mistakes below a path of the pipeline belong that no definition has. */
  readonly owners: readonly (readonly [path: string, name: string])[];
}
