import type { Part, Transform, TransformRecord } from './record.ts';
import type { Given, Setting } from './setting.ts';

/** A transform that there is twice: as `NAME$Key` and as `NAME$Value`. */
export interface PartPlugin {
  /** Without package, `$Key` and `$Value`. */
  readonly name: string;
  readonly settings: readonly Setting[];
  /** Throws SettingMistake. */
  readonly create: (given: Given, part: Part) => Transform;
}

export function withPart(record: TransformRecord, part: Part, changed: unknown): TransformRecord {
  if (part === 'key') record.key = changed;
  else record.value = changed;
  return record;
}
