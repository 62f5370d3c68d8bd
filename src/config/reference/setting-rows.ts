/** The part of JSON Schema that our schemas use. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly deprecationMessage?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  /** What a pipeline needs that uses no template. */
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** One row of a table of settings: Markdown, for the reference and for `tidegate show`. */
export type Row = readonly [name: string, values: string, fallback: string, description: string];

/** Settings that name a component, which are described by themselves. */
const COMPONENTS = new Set(['codec', 'source', 'sink', 'processors']);

/** The settings of each section of a configuration, from the schema of editors. */
export function configRows(schema: Schema): { readonly name: string; readonly rows: readonly Row[] }[] {
  return Object.entries(schema.properties ?? {}).map(([name, section]) => ({
    name,
    rows: rowsOf(withoutComponents(section), name).map(asRow),
  }));
}

/** Settings inside a schema by dotted name, depth first. `NAME` stands for names that the user chooses. */
export function rowsOf(schema: Schema, prefix: string, isRequired = false): Row[] {
  const inner = objectForm(schema) ?? itemForm(schema);
  if (inner?.properties === undefined && typeof inner?.additionalProperties !== 'object') {
    return [row(prefix, schema, isRequired)];
  }
  const own: Row[] = prefix === '' || schema.description === undefined ? [] : [row(prefix, schema, isRequired)];
  const named = Object.entries(inner.properties ?? {}).flatMap(([name, setting]) =>
    rowsOf(
      setting,
      join(prefix, name),
      (inner.required ?? inner.allOf?.[0]?.anyOf?.[0]?.required)?.includes(name) ?? false,
    ),
  );
  const { additionalProperties } = inner;
  const free = typeof additionalProperties === 'object' ? rowsOf(additionalProperties, join(prefix, 'NAME')) : [];
  return [...own, ...named, ...free];
}

/** Which values a setting takes, in words. */
export function valuesOf(schema: Schema): string {
  const branches = schema.anyOf?.filter((branch) => !isFilled(branch)) ?? [];
  const isChoice = branches.filter(({ type }) => type === 'object').length > 1;
  const inWords = (branch: Schema) => (isChoice && branch.type === 'object' ? shapeOf(branch) : valuesOf(branch));
  if (branches.length > 0) return [...new Set(branches.map(inWords))].join(' or ');
  if (schema.enum !== undefined) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.pattern?.includes('KiB')) return 'size';
  if (schema.pattern?.includes('ms|')) return 'duration';
  if (Array.isArray(schema.type)) return schema.type.map((type: string) => TYPES[type] ?? type).join(' or ');
  const type = schema.type as string | undefined;
  return type === undefined ? 'anything' : `${TYPES[type] ?? type}${range(schema)}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  array: 'list',
  object: 'settings',
  null: 'nothing',
};

function row(name: string, schema: Schema, isRequired: boolean): Row {
  const isPlain = schema.default === undefined || typeof schema.default === 'object';
  const list = Array.isArray(schema.default) && schema.default.length > 0;
  const fallback = isRequired ? 'required' : isPlain && !list ? '' : code(JSON.stringify(schema.default));
  return [code(name), valuesOf(schema), fallback, wordsOf(schema)];
}

function wordsOf({ description = '', deprecated, deprecationMessage }: Schema): string {
  return deprecated === true ? `**Deprecated**: ${deprecationMessage}. ${description}`.trim() : description;
}

function range({ minimum, maximum }: Schema): string {
  if (maximum !== undefined) return ` ${minimum ?? 0} to ${maximum}`;
  return minimum === undefined || minimum === 0 ? '' : `, at least ${minimum}`;
}

function shapeOf({ properties }: Schema): string {
  return code(`{ ${Object.keys(properties ?? {}).join(', ')} }`);
}

/** The form of a setting that has settings of its own, where there is exactly one. */
export function objectForm(schema: Schema): Schema | undefined {
  if (schema.type === 'object') return schema;
  const forms = schema.anyOf?.map(objectForm).filter((found) => found !== undefined) ?? [];
  return forms.length === 1 ? forms[0] : undefined;
}

/** The settings of an entry, where one entry may be written without its list. */
function itemForm({ type, items }: Schema): Schema | undefined {
  return Array.isArray(type) && type.includes('object') && items !== undefined ? objectForm(items) : undefined;
}

/** Texts with a variable fit everywhere; saying so at every setting would only make noise. */
function isFilled({ pattern, type }: Schema): boolean {
  return type === 'null' || (pattern?.startsWith('\\$\\{') ?? false);
}

function join(prefix: string, name: string): string {
  const quoted = name.includes('.') ? `"${name}"` : name;
  return prefix === '' ? quoted : `${prefix}.${quoted}`;
}

export function code(text: string): string {
  return text === '' ? '' : text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function asRow([name, values, fallback, description]: Row): Row {
  const last = name.replaceAll('`', '').split('.').at(-1) ?? '';
  return COMPONENTS.has(last)
    ? [name, `[${last}](components.md)`, fallback, description]
    : [name, values, fallback, description];
}

/** Takes the settings of components out, and leaves that there is one. */
export function withoutComponents(schema: Schema): Schema {
  const { properties, additionalProperties } = schema;
  const plain = Object.entries(properties ?? {}).map(([name, setting]) => {
    const { description, default: fallback } = setting;
    return [
      name,
      COMPONENTS.has(name)
        ? { description, ...(fallback === undefined ? {} : { default: fallback }) }
        : withoutComponents(setting),
    ] as const;
  });
  return {
    ...schema,
    ...(properties === undefined ? {} : { properties: Object.fromEntries(plain) as Schema['properties'] }),
    ...(typeof additionalProperties === 'object'
      ? { additionalProperties: withoutComponents(additionalProperties) }
      : {}),
  } as Schema;
}
