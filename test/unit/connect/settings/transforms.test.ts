import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  ALIAS_KINDS,
  type FlatConfig,
  masked,
  pluginDefinitions,
  transformPluginOf,
  validationAnswer,
} from '../../../../src/connect/settings/index.ts';
import { flat, mistakesOf, PACKAGE, SOURCE } from '../transforms/fixture.ts';
import { errorsOf, look } from './fixture.ts';

describe('mistakes in transforms', () => {
  test('of one setting are in the words of Kafka Connect', () => {
    const cases = [
      [{ type: 'Cast$Value', spec: '' }, 'spec', 'Must specify at least one field to cast.'],
      [{ type: 'Cast$Value', spec: 'a:int9' }, 'spec', 'Invalid type found in casting spec: int9'],
      [{ type: 'Cast$Value', spec: 'int8,a:int8' }, 'spec', /may only specify a single cast in their spec$/],
      [{ type: 'Cast$Value', spec: 'a:bytes' }, 'spec', /^Cast transformation does not support casting to BYTES/],
      [{ type: 'Cast$Value', spec: 'a:b:c' }, 'spec', /Invalid mapping: a:b:c/],
      [{ type: 'MaskField$Key', fields: '' }, 'fields', 'Invalid value [] for configuration fields: Empty list'],
      [
        { type: 'ReplaceField$Value', renames: 'a:b,c' },
        'renames',
        'Invalid value [a:b, c] for configuration renames: Invalid rename mapping: c',
      ],
      [{ type: 'Nothing' }, 'type', `Invalid value ${PACKAGE}Nothing for configuration transforms.t.type: Class ${PACKAGE}Nothing could not be found.`],
      [{ type: 'HoistField$Value' }, 'field', 'Missing required configuration "transforms.t.field" which has no default value.'],
      [{ type: 'Filter', predicate: 'p', negate: 'maybe' }, 'negate', /Expected value to be either true or false$/],
      [{ type: 'ExtractField$Value', field: 'a', 'field.syntax.version': '3' }, 'field.syntax.version', /String must be one of \(case insensitive\): V1, V2$/],
    ] as const; // biome-ignore format: a table
    for (const [settings, setting, expected] of cases) {
      const [error = ''] = mistakesOf({ t: settings })[`transforms.t.${setting}`] ?? [];
      if (typeof expected === 'string') assert.equal(error, expected);
      else assert.match(error, expected);
    }
  });

  test('that a worker finds when a task starts are found before', () => {
    const cases = [
      [{ type: 'InsertField$Value' }, 'type', /No field insertion configured/],
      [{ type: 'InsertField$Value', 'static.field': 'a' }, 'static.value', /No value specified for static field: a/],
      [{ type: 'HeaderFrom$Value', fields: 'a,b', headers: 'c', operation: 'move' }, 'fields', /same number of elements/],
      [{ type: 'TimestampConverter$Value', 'target.type': 'string' }, 'format', /requires format option/],
      [{ type: 'TimestampRouter', 'timestamp.format': 'qq' }, 'timestamp.format', /Illegal pattern character 'q'/],
      [{ type: 'RegexRouter', regex: '(a)', replacement: '$2' }, 'replacement', /No group 2/],
      [{ type: 'ExtractField$Value', field: '`a', 'field.syntax.version': 'V2' }, 'field', /Incomplete backtick pair in path: \[`a\]/],
      [{ type: 'Filter', predicate: 'q' }, 'predicate', /there is no such predicate; those of predicates are: p$/],
    ] as const; // biome-ignore format: a table
    for (const [settings, setting, expected] of cases) {
      const found = mistakesOf({ t: settings }, { p: { type: 'RecordIsTombstone' } });
      assert.deepEqual(Object.keys(found), [`transforms.t.${setting}`]);
      assert.match(found[`transforms.t.${setting}`]?.[0] ?? '', expected);
    }
  });

  test('say what of a regular expression of Java there is not', () => {
    const cases = {
      'a(?=b)': 'look-ahead and look-behind',
      '(?<!a)b': 'look-ahead and look-behind',
      '(a)\\1': 'backreferences',
      '(?<x>a)\\k<x>': 'backreferences',
      'a++': 'possessive quantifiers',
      '(?>a)': 'atomic groups',
      '[a-z&&[^b]]': 'classes of characters within classes, and &&',
    };
    for (const [regex, what] of Object.entries(cases)) {
      const found = mistakesOf({ t: { type: 'RegexRouter', regex, replacement: 'x' } });
      assert.ok(found['transforms.t.regex']?.[0]?.includes(`Invalid regex: ${what} are not supported`), regex);
    }
    for (const regex of ['\\Q(?=\\E', '[(?=]', '[[:alpha:]]+', 'a\\\\1', '[]a]', '(?i)x', '[+]+', '(?<n>a)\\p{L}'])
      assert.deepEqual(mistakesOf({ t: { type: 'RegexRouter', regex, replacement: 'x' } }), {}, regex);
    assert.match(
      mistakesOf({ t: { type: 'RegexRouter', regex: '(', replacement: '' } })['transforms.t.regex']?.[0] ?? '',
      /missing closing \)/,
    );
  });
});

test('the answer of config/validate has the settings of each transform and predicate in a group of its own', () => {
  const config = {
    ...SOURCE,
    ...flat(
      { a: { type: 'Filter', predicate: 'p' }, token: { type: 'Flatten$Value' } },
      { p: { type: 'HasHeaderKey', name: 'h' } },
    ),
  };
  const { groups, configs, error_count } = validationAnswer('x', look(config));
  assert.equal(error_count, 0);
  assert.deepEqual(groups.slice(-3), ['Transforms: a', 'Transforms: token', 'Predicates: p']);
  const ofToken = configs.filter(({ value }) => value.name.startsWith('transforms.token.'));
  assert.deepEqual(
    ofToken.map(({ value, definition }) => [
      value.name.slice('transforms.token.'.length),
      value.value,
      definition?.order,
    ]),
    [
      ['type', `${PACKAGE}Flatten$Value`, 0],
      ['plugin.version', ofToken[1]?.value.value, 1],
      ['delimiter', '.', 2],
      ['negate', 'false', 3],
      ['predicate', null, 4],
    ],
  );
  assert.deepEqual(masked(config), config);
});

test('a transform is found by its class, with or without package', () => {
  assert.deepEqual(
    pluginDefinitions(transformPluginOf('DropHeaders') ?? { name: '', settings: [], create: () => undefined }).map(
      ({ name, group, order }) => [name, group, order],
    ),
    [['headers', null, -1]],
  );
  assert.equal(transformPluginOf(`${PACKAGE}Cast$Key`)?.name, `${PACKAGE}Cast$Key`);
  for (const name of ['Cast', 'Cast$Key', 'Key', '', 'connect']) assert.equal(transformPluginOf(name), undefined, name);
});

test('settings of a transform that is not listed are unknown', () => {
  const examined = look({ ...SOURCE, 'transforms.x.type': `${PACKAGE}Filter` });
  assert.deepEqual(examined.unknown, ['transforms.x.type']);
  assert.equal(examined.description?.tasks[0]?.hasTransforms, false);
});

test('the connector in the docs has no mistake', () => {
  const docs = readFileSync('docs/transforms.md', 'utf8');
  const { config } = JSON.parse(/```json\n([\s\S]*?)```/.exec(docs)?.[1] ?? '{}') as { config: FlatConfig };
  assert.deepEqual(errorsOf({ ...config, name: 'trades' }), {});
  assert.equal(look({ ...config, name: 'trades' }).description?.tasks[0]?.hasTransforms, true);
});

test('the docs name every class and every setting', () => {
  const docs = readFileSync('docs/transforms.md', 'utf8');
  for (const { name, settings } of ALIAS_KINDS.flatMap(({ classes }) => classes)) {
    const short = name.slice(name.lastIndexOf('.') + 1).replace(/\$.*/, '');
    for (const word of [short, ...settings.map((setting) => setting.name)])
      assert.ok(docs.includes(`\`${word}\``), word);
  }
});
