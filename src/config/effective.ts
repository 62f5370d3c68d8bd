import type { Path } from './problem/problem.ts';
import { isRecord } from './problem/record.ts';
import { branchesOf, type JsonSchema } from './schema/walk-settings.ts';

/** A setting that counts when a gateway runs with a file: text, a number, true or false, null, or an empty list or group. */
export interface EffectiveSetting {
  readonly path: Path;
  readonly value: unknown;
  /** Whether the file does not have it. */
  readonly isDefault: boolean;
}

/** What a file has, and the defaults of all that it leaves out, in the order of the file. `schema` is that of editors. */
export function effectiveSettings(schema: JsonSchema, value: unknown): EffectiveSetting[] {
  const definitions = (schema.$defs ?? {}) as Readonly<Record<string, JsonSchema>>;
  const settings: EffectiveSetting[] = [];
  const enter = (node: unknown, here: unknown, path: Path, isDefault: boolean): void => {
    const branches = branchesOf(node, definitions);
    const before = settings.length;
    if (Array.isArray(here)) {
      const items = branches.find((branch) => branch.items !== undefined)?.items;
      for (const [index, item] of here.entries()) enter(items, item, [...path, index], isDefault);
    } else if (isRecord(here)) {
      const branch = branches.find((one) => fits(one, here));
      const properties = branch?.properties ?? {};
      for (const [key, inner] of Object.entries(here))
        enter(properties[key] ?? branch?.additionalProperties, inner, [...path, key], isDefault);
      for (const [key, inner] of Object.entries(properties)) {
        const fallback = (inner as JsonSchema).default;
        if (fallback !== undefined && !Object.hasOwn(here, key)) enter(inner, fallback, [...path, key], true);
      }
    } else settings.push({ path, value: converted(branches, here), isDefault });
    if (settings.length === before && path.length > 0) settings.push({ path, value: here, isDefault });
  };
  enter(schema, value, [], false);
  return settings;
}

function fits({ properties = {}, additionalProperties, type }: JsonSchema, here: Record<string, unknown>): boolean {
  if (type !== 'object') return false;
  return additionalProperties !== false || Object.keys(here).every((key) => Object.hasOwn(properties, key));
}

/** What comes from a variable is always text; a setting that takes no text is what the text says. */
function converted(branches: readonly JsonSchema[], value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const types = branches
    .filter(({ pattern }) => pattern?.startsWith('\\$\\{') !== true)
    .flatMap(({ type }) => type ?? []);
  if (types.includes('string')) return value;
  const isNumeric = types.includes('integer') || types.includes('number');
  if (isNumeric && value.trim() !== '' && !Number.isNaN(Number(value))) return Number(value);
  return types.includes('boolean') && (value === 'true' || value === 'false') ? value === 'true' : value;
}
