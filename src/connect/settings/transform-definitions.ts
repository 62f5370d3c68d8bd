import { VERSION } from '../../version.ts';
import { type PluginClass, predicates, type Setting, transforms } from '../transforms/index.ts';
import type { Definition, FlatConfig, Value } from './definition.ts';
import { inOrder } from './in-order.ts';

/** `transforms` or `predicates`: lists of aliases, each of which has settings by its name. */
interface AliasKind {
  readonly setting: 'transforms' | 'predicates';
  /** In Connect's sentences. */
  readonly word: 'transformation' | 'predicate';
  readonly interface: 'Transformation' | 'Predicate';
  readonly group: 'Transforms' | 'Predicates';
  readonly classes: readonly PluginClass<unknown>[];
}

export const ALIAS_KINDS: readonly AliasKind[] = [
  {
    setting: 'transforms',
    word: 'transformation',
    interface: 'Transformation',
    group: 'Transforms',
    classes: transforms,
  },
  { setting: 'predicates', word: 'predicate', interface: 'Predicate', group: 'Predicates', classes: predicates },
];

/** `transforms` and `predicates`, which every connector has. */
export const aliasDefinitions: readonly Definition[] = ALIAS_KINDS.flatMap(({ setting, word, group }) =>
  inOrder(group, [
    {
      name: setting,
      type: 'LIST',
      default: '',
      importance: 'LOW',
      documentation: `Aliases of the ${word}s, in their order; each has its settings as ${setting}.ALIAS.NAME.`,
      width: 'LONG',
      displayName: group,
      flaw: (_text, value) =>
        Array.isArray(value) && new Set(value).size < value.length ? 'Duplicate alias provided.' : undefined,
      mistake: (value) =>
        value === null ? `Invalid value null for configuration ${setting}: entry must be non null` : undefined,
    },
  ]),
);

/** The settings of all transforms and predicates of a connector, by their full names. */
export function transformDefinitions(config: FlatConfig): Definition[] {
  return ALIAS_KINDS.flatMap((kind) => aliasesIn(config, kind).flatMap((alias) => definitionsOf(alias, kind, config)));
}

/** Each once. */
function aliasesIn(config: FlatConfig, { setting }: AliasKind): string[] {
  const text = config[setting]?.trim() ?? '';
  return text === '' ? [] : [...new Set(text.split(',').map((alias) => alias.trim()))];
}

/** The settings of a transform or predicate by itself, as its page in the API has them. */
export function pluginDefinitions({ settings }: PluginClass<unknown>): Definition[] {
  return settings.map((setting) => definitionOf(setting, '', null, -1));
}

/** A transform or predicate by its full name, or by its own one where that names one class. */
export function transformPluginOf(name: string): PluginClass<unknown> | undefined {
  return ALIAS_KINDS.flatMap(({ classes }) => classes).find(
    ({ name: full }) => full === name || (!full.includes('$') && full.endsWith(`.${name}`)),
  );
}

const IMPLICIT: readonly Setting[] = [
  {
    name: 'predicate',
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    documentation: 'Alias of a predicate: only records for which it is true are transformed.',
  },
  {
    name: 'negate',
    type: 'BOOLEAN',
    default: 'false',
    importance: 'MEDIUM',
    documentation: 'Whether those are transformed for which the predicate is false.',
  },
];

function definitionsOf(alias: string, kind: AliasKind, config: FlatConfig): Definition[] {
  const prefix = `${kind.setting}.${alias}.`;
  const group = `${kind.group}: ${alias}`;
  const type = config[`${prefix}type`]?.trim();
  const plugin = kind.classes.find(({ name }) => name === type);
  const settings = plugin === undefined ? [] : [...plugin.settings, ...(kind.setting === 'transforms' ? IMPLICIT : [])];
  const sorted = settings.toSorted(asConnectLists);
  return [
    {
      name: `${prefix}type`,
      type: 'CLASS',
      default: undefined,
      importance: 'HIGH',
      documentation: `Class for the '${alias}' ${kind.word}.`,
      group,
      order: 0,
      width: 'LONG',
      displayName: `${kind.interface} type for ${alias}`,
      recommended: kind.classes.map(({ name }) => name),
      isClass: (name) => isClass(name, kind),
      mistake: (value) => mistakeOf(value, kind) ?? lonelyNegate(prefix, config),
    },
    {
      name: `${prefix}plugin.version`,
      type: 'STRING',
      default: plugin === undefined ? null : VERSION,
      importance: 'HIGH',
      documentation: `Version of the '${alias}' ${kind.word}. There is one, whatever is given.`,
      group,
      order: 1,
      width: 'LONG',
      displayName: `${kind.interface} version for ${alias}`,
      ...(plugin === undefined ? {} : { recommended: [VERSION] }),
    },
    ...sorted.map((setting, index) => definitionOf(setting, prefix, group, index + 2)),
  ];
}

const IMPORTANCE = ['HIGH', 'MEDIUM', 'LOW'];

/** Required ones first, then by importance, then by name. */
function asConnectLists(one: Setting, other: Setting): number {
  const rank = ({ default: standard, importance }: Setting) =>
    (standard === undefined ? 0 : IMPORTANCE.length) + IMPORTANCE.indexOf(importance);
  return rank(one) - rank(other) || (one.name < other.name ? -1 : 1);
}

function definitionOf(setting: Setting, prefix: string, group: string | null, order: number): Definition {
  const { name, flaw, mistake } = setting;
  return {
    ...setting,
    name: `${prefix}${name}`,
    calledAs: name,
    group,
    order,
    width: 'NONE',
    displayName: name,
    flaw: (_text, value) => flaw?.(value as string | readonly string[]), // its type is one of these
    mistake: (value) => (value === null ? undefined : mistake?.(value as string | readonly string[])),
  };
}

/** Java knows more classes than can be created; for those there is a better answer than that they do not exist. */
function isClass(name: string, kind: AliasKind): boolean {
  return kind.classes.some((one) => one.name === name) || abstractClass(name, kind) || ofOtherKind(name, kind);
}

function abstractClass(name: string, { classes }: AliasKind): boolean {
  return classes.some((one) => one.name === `${name}$Key`);
}

function ofOtherKind(name: string, kind: AliasKind): boolean {
  return ALIAS_KINDS.some((other) => other !== kind && other.classes.some((one) => one.name === name));
}

function mistakeOf(value: Value, kind: AliasKind): string | undefined {
  const name = String(value);
  if (abstractClass(name, kind))
    return `This class is abstract and cannot be created. Did you mean ${name}$Key, ${name}$Value?`;
  if (ofOtherKind(name, kind)) return `Class class ${name} does not implement the ${kind.interface} interface`;
  return undefined;
}

function lonelyNegate(prefix: string, config: FlatConfig): string | undefined {
  if (!Object.hasOwn(config, `${prefix}negate`) || Object.hasOwn(config, `${prefix}predicate`)) return undefined;
  return prefix.startsWith('transforms.')
    ? `Config '${prefix}negate' was provided but there is no config '${prefix}predicate' defining a predicate to be negated.`
    : undefined;
}
