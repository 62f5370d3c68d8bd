import { type Side, type Step, shapeOf } from './side.ts';
import { get, source, step, validate, withBody } from './steps.ts';

const PACKAGE = 'org.apache.kafka.connect.transforms.';

/** Settings of one transform, and of predicates. */
const one =
  (type: string, settings: Readonly<Record<string, string | null>> = {}, more: object = {}) =>
  (side: Side) =>
    source({
      name: 'v',
      transforms: 't',
      'transforms.t.type': `${PACKAGE}${type}`,
      ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`transforms.t.${name}`, value])),
      ...more,
    })(side);

const predicate = (type: string, settings: Readonly<Record<string, string>> = {}) => ({
  predicates: 'p',
  'predicates.p.type': `${PACKAGE}predicates.${type}`,
  ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`predicates.p.${name}`, value])),
});

interface Config {
  readonly definition: Readonly<Record<string, unknown>>;
  readonly value: { readonly name: string; readonly recommended_values: unknown };
}

/** What is about transforms; text for people, orders in one group and versions are each side's own. */
function aboutTransforms(body: unknown): unknown {
  const { configs, groups, error_count } = body as { configs: Config[]; groups: string[]; error_count: number };
  const ours = ({ value }: Config) => /^(transforms|predicates)\b/.test(value.name);
  const isVersion = ({ value }: Config) => value.name.endsWith('.plugin.version');
  return {
    error_count,
    groups: groups.filter((group) => /^(Transforms|Predicates)\b/.test(group)),
    configs: Object.fromEntries(
      configs.filter(ours).map((config) => [
        config.value.name,
        {
          definition: isVersion(config) ? shapeOf(config.definition) : plain(config.definition),
          value: isVersion(config) ? shapeOf(config.value) : { ...config.value, recommended_values: null },
        },
      ]),
    ),
  };
}

function plain({ documentation, order, group, ...definition }: Readonly<Record<string, unknown>>): unknown {
  const isOwn = group === 'Transforms' || group === 'Predicates';
  return { ...definition, group, documentation: typeof documentation, order: isOwn ? typeof order : order };
}

const look = (note: string, config: (side: Side) => unknown): Step =>
  validate(`transforms: ${note}`, config, { look: aboutTransforms });

const CLASSES = [
  ...['Cast', 'ExtractField', 'Flatten', 'HeaderFrom', 'HoistField', 'InsertField', 'MaskField', 'ReplaceField'],
  'TimestampConverter',
].flatMap((name) => [`${name}$Key`, `${name}$Value`]);
const OF_RECORDS = ['DropHeaders', 'Filter', 'InsertHeader', 'RegexRouter', 'TimestampRouter', 'ValueToKey'];
const PREDICATES = ['HasHeaderKey', 'RecordIsTombstone', 'TopicNameMatches'];

const definitionsOf = (name: string): Step =>
  get(`/connector-plugins/${encodeURIComponent(name)}/config`, '', {
    look: (body) =>
      (body as { documentation: unknown }[]).map((each) => ({ ...each, documentation: typeof each.documentation })),
  });

/** Transforms and predicates in the API: their classes, their settings, and mistakes in those. */
export const transformCalls: Readonly<Record<string, readonly Step[]>> = {
  'transforms and predicates': [
    get('/connector-plugins?connectorsOnly=false', 'transforms', {
      look: (body) =>
        (body as { class: string; type: string }[])
          .filter(({ type, class: name }) => /^(transformation|predicate)$/.test(type) && !/SetSchemaM/.test(name))
          .map((plugin) => ({ ...plugin, version: null })),
    }),
    ...[...CLASSES, ...OF_RECORDS, ...PREDICATES.map((name) => `predicates.${name}`)].map((name) =>
      definitionsOf(`${PACKAGE}${name}`),
    ),
    definitionsOf('DropHeaders'),
    definitionsOf('TopicNameMatches'),
    definitionsOf('Cast$Value'),
    definitionsOf('Value'),
    look('none', source({ name: 'v' })),
    look('an alias without settings', source({ name: 'v', transforms: 'a' })),
    look('an alias twice', source({ name: 'v', transforms: 'a,a', predicates: 'p,p' })),
    look('an empty alias', source({ name: 'v', transforms: 'a,,b' })),
    look('null', source({ name: 'v', transforms: null })),
    look('an unknown class', source({ name: 'v', transforms: 'a', 'transforms.a.type': 'no.such.Class' })),
    look('a class without its package', source({ name: 'v', transforms: 'a', 'transforms.a.type': 'Cast$Value' })),
    look('an abstract class', one('Cast')),
    look('a predicate', one('predicates.HasHeaderKey')),
    look('a transform as predicate', one('Filter', { predicate: 'p' }, { predicates: 'p', 'predicates.p.type': `${PACKAGE}Filter` })), // biome-ignore format: one line a call
    look('a setting is missing', one('HoistField$Value')),
    look('an unknown setting', one('HoistField$Value', { field: 'a', other: 'b' })),
    look('a setting of null', one('HoistField$Value', { field: null })),
    look('Cast of nothing', one('Cast$Value', { spec: '' })),
    look('Cast to no type', one('Cast$Value', { spec: 'a:int9' })),
    look('Cast to a type that it cannot make', one('Cast$Value', { spec: 'a:struct' })),
    look('Cast of all and one', one('Cast$Value', { spec: 'int8,a:int8' })),
    look('Cast with two types', one('Cast$Value', { spec: 'a:int8:int16' })),
    look('Cast', one('Cast$Key', { spec: 'a:int8, b:STRING' })),
    look('ExtractField of another version', one('ExtractField$Value', { field: 'a', 'field.syntax.version': 'V3' })),
    look('ExtractField', one('ExtractField$Key', { field: 'a.`b', 'field.syntax.version': 'v1' })),
    look('lists without elements', one('MaskField$Value', { fields: '', replacement: '' })),
    look('MaskField', one('MaskField$Value', { fields: 'a,b', replacement: ' ' })),
    look('ReplaceField with no pair', one('ReplaceField$Value', { renames: 'a:b,c' })),
    look('ReplaceField', one('ReplaceField$Value', { renames: 'a:b', exclude: 'x , y' })),
    look('HeaderFrom with another operation', one('HeaderFrom$Value', { fields: 'a', headers: 'b', operation: 'x' })),
    look('TimestampConverter to no type', one('TimestampConverter$Value', { 'target.type': 'text' })),
    look('TimestampConverter', one('TimestampConverter$Value', { 'target.type': 'unix', 'unix.precision': 'hours' })),
    look('TimestampRouter', one('TimestampRouter')),
    look('RegexRouter with a broken expression', one('RegexRouter', { regex: '(', replacement: '' })),
    look('RegexRouter', one('RegexRouter', { regex: '(.*)', replacement: '$1' })),
    look('a flag that is none', one('Filter', { predicate: 'p', negate: 'maybe' }, predicate('RecordIsTombstone'))),
    look('a predicate that is negated and not there', one('Filter', { negate: 'true' })),
    look('a predicate without its setting', one('Filter', { predicate: 'p' }, predicate('HasHeaderKey'))),
    look(
      'a predicate with an empty setting',
      one('Filter', { predicate: 'p' }, predicate('HasHeaderKey', { name: '' })),
    ),
    look('a predicate with a broken expression', one('Filter', { predicate: 'p' }, predicate('TopicNameMatches', { pattern: '[' }))), // biome-ignore format: one line a call
    look('a predicate', one('Filter', { predicate: 'p', negate: 'TRUE' }, predicate('TopicNameMatches', { pattern: 'a.*' }))), // biome-ignore format: one line a call
    withBody('POST', '/connectors', 'with mistakes in transforms', (side) => ({
      name: 'smt',
      config: one('MaskField$Value', { fields: '' }, { predicates: 'p' })(side),
    })),
    withBody('PUT', '/connectors/smt/config', 'with transforms', (side) =>
      one('InsertHeader', { header: 'a', 'value.literal': 'b' })(side),
    ),
    get('/connectors/smt/config', 'with transforms'),
    step('DELETE', '/connectors/smt'),
  ],
};
