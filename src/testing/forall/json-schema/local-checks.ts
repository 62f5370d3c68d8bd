import { SchemaCheck } from '../../../sdk/schema-check.ts';
import { isSchemaObject, type SchemaObject } from './schema-part.ts';

/** Keywords that arbitraries do not keep to by themselves. */
const TO_CHECK = [
  'not',
  'oneOf',
  'contains',
  'maxContains',
  'uniqueItems',
  'patternProperties',
  'propertyNames',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  'unevaluatedProperties',
  'unevaluatedItems',
];

/** Two of a kind are merged to the first one. */
const ONE_OF_A_KIND = ['pattern', 'format', 'multipleOf'];

/** Checks of parts of a schema, which may refer to other parts of it. */
export class LocalChecks {
  private readonly root: SchemaObject;

  constructor(root: SchemaObject) {
    this.root = root;
  }

  /** A check for a part that needs one. The whole is checked at the end; this finds sooner what does not fit, and where. */
  of(part: SchemaObject): SchemaCheck | undefined {
    return needsCheck(part) ? this.compile(part) : undefined;
  }

  /** Those of the values that fit the rest of their part. */
  fitting(part: SchemaObject, values: readonly unknown[]): readonly unknown[] {
    const check = this.compile(part);
    return check === undefined ? values : values.filter((value) => check.mistakesIn(value, true) === undefined);
  }

  /** A reference of the part leads into the whole schema, which is beside it under a name of its own. */
  private compile(part: SchemaObject): SchemaCheck | undefined {
    const { $schema: draft, $id: _, ...whole } = this.root;
    const head = draft === undefined ? {} : { $schema: draft };
    const beside = { $defs: { [WHOLE]: { ...whole, $id: WHOLE } } };
    const { $id: __, $schema: ___, $defs: ____, definitions: _____, ...own } = part;
    try {
      return new SchemaCheck({ ...head, ...(withWhole(own) as object), ...beside });
    } catch {
      // Such as a reference by a name: the check of the whole knows it.
      return undefined;
    }
  }
}

const WHOLE = 'tidegate:whole';

function needsCheck(part: SchemaObject): boolean {
  if (TO_CHECK.some((keyword) => keyword in part)) return true;
  const isText = 'pattern' in part || 'format' in part;
  if (isText && ('minLength' in part || 'maxLength' in part || ('pattern' in part && 'format' in part))) return true;
  if (typeof part.multipleOf === 'number' && !Number.isInteger(part.multipleOf)) return true;
  const parts = [part, ...(Array.isArray(part.allOf) ? part.allOf : [])].filter(isSchemaObject);
  if (parts.slice(1).some(needsCheck) || 'if' in part || parts.slice(1).some((inner) => 'if' in inner)) return true;
  return ONE_OF_A_KIND.some((keyword) => parts.filter((inner) => keyword in inner).length > 1);
}

function withWhole(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withWhole);
  if (!isSchemaObject(part)) return part;
  return Object.fromEntries(
    Object.entries(part).map(([name, value]) => [
      name,
      name === '$ref' && typeof value === 'string' && value.startsWith('#') ? `${WHOLE}${value}` : withWhole(value),
    ]),
  );
}
