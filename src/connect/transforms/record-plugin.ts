import type { Transform } from './record.ts';
import type { Given, Setting } from './setting.ts';

/** A transform of whole records. */
export interface WholePlugin {
  /** Without package. */
  readonly name: string;
  readonly settings: readonly Setting[];
  /** Throws SettingMistake. */
  readonly create: (given: Given) => Transform;
}
