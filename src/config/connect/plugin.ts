import type { Definition, FlatConfig } from './definition.ts';
import type { Values } from './values.ts';

/** What is wrong about a setting, as a whole sentence. */
export type Complaint = readonly [name: string, sentence: string];

/** A class of connectors. */
export interface ConnectorPlugin {
  readonly type: 'source' | 'sink';
  /** Full names; a connector may have any of them, or its last part, with or without `Connector` at the end. */
  readonly classes: readonly string[];
  readonly taskClass: string;
  /** Its own; those that all connectors share are in `commonDefinitions`. */
  readonly definitions: readonly Definition[];
  /** What is wrong with settings that are right one by one. */
  readonly complaints: (values: Values) => readonly Complaint[];
  /** What is different for each task, at least one and at most `tasks.max`. */
  readonly deal: (values: Values) => readonly FlatConfig[];
  /** Settings of the pipeline of a task by dotted path, beside those whose definitions say where they go. */
  readonly settings: (values: Values, name: string) => Readonly<Record<string, unknown>>;
  /** Which setting of the connector is told of mistakes below a path of the pipeline that no definition has. */
  readonly owners: readonly (readonly [path: string, name: string])[];
}
