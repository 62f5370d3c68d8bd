import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatProblem } from '../../../src/config/index.ts';
import { componentsIn } from '../../../src/config/schema/step-schema.ts';
import { load, problemsOf, yaml } from './fixture.ts';

const pipeline = (processors: string, more = '') =>
  yaml({
    pipelines: `pipelines: { in: { source: { endpoint: rooms }, processors: ${processors}, sink: { topic: { name: chat } }${more} } }`,
  });

const LETTERS = ', on_error: { dead_letter: letters }';

test('processors may be in try and catch, at any depth, each with an on_error of its own', async () => {
  const text = pipeline(
    '[ log, { try: [ { filter: { keep: "${! json.a }" }, on_error: skip }, { try: [ { map: { key: a } } ] } ], catch: [ { log: { level: warn } } ], on_error: fail } ]',
  );
  const { config, warnings } = await load(text);
  assert.deepEqual(warnings, []);
  const found = componentsIn(config.pipelines.in?.processors ?? [], []);
  assert.deepEqual(
    found.map(({ chosen, path }) => [path.join('.'), chosen.spec.name, chosen.onError]),
    [
      ['0', 'log', undefined],
      ['1.try.0', 'filter', 'skip'],
      ['1.try.1.try.0', 'map', undefined],
      ['1.catch.0', 'log', undefined],
    ],
  );
  assert.equal(config.pipelines.in?.processors[1]?.onError, 'fail');
});

test('a processor or operator may have a label, beside on_error or alone', async () => {
  const { config, warnings } = await load(
    pipeline(
      '[ { log: {}, label: seen }, { try: [ { map: { key: a }, label: keyed, on_error: skip } ], catch: [ { log: {}, label: not-keyed } ] } ]',
    ),
  );
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    componentsIn(config.pipelines.in?.processors ?? [], []).map(({ chosen }) => [chosen.label, chosen.onError]),
    [
      ['seen', undefined],
      ['keyed', 'skip'],
      ['not-keyed', undefined],
    ],
  );
});

test('a label belongs to one processor of the file', async () => {
  const processors = '[ { log: {}, label: seen }, { try: [ { log: {}, label: seen } ] } ]';
  assert.deepEqual((await problemsOf(pipeline(processors))).map(formatProblem), [
    'test.yaml:5:116  pipelines.in.processors[1].try[0].label  the label "seen" is that of pipelines.in.processors[0]; choose another one',
  ]);
});

describe('a mistake in a processor says what, where and what to do', () => {
  const cases: [title: string, text: string, expected: RegExp][] = [
    [
      'an on_error that is none',
      pipeline('[ { log: {}, on_error: ignore } ]'),
      /processors\[0\]\.on_error {2}expected skip, dead_letter or fail$/,
    ],
    [
      'a catch without a try',
      pipeline('[ { catch: [ log ] } ]'),
      /processors\[0\] {2}catch needs a try in the same entry/,
    ],
    [
      'a label that is not a name',
      pipeline('[ { log: {}, label: "with a space" } ]'),
      /processors\[0\]\.label {2}a name begins with a letter/,
    ],
    [
      'a label within the settings',
      pipeline('[ { log: { label: seen } } ]'),
      /processors\[0\]\.log\.label {2}unknown key .*; write label beside the processor, and not in its settings$/,
    ],
    [
      'a label beside try',
      pipeline('[ { try: [ log ], label: seen } ]'),
      /"label" has no place beside try; write label beside the processors within it$/,
    ],
    [
      'a timeout that is not a duration',
      pipeline('[ { log: {}, timeout: 5 } ]'),
      /processors\[0\]\.timeout {2}expected a duration such as 5ms, 10s or 1m/,
    ],
    [
      'a timeout of nothing',
      pipeline('[ { log: {}, timeout: 0ms } ]'),
      /processors\[0\]\.timeout {2}expected more than 0ms$/,
    ],
    [
      'a timeout within the settings',
      pipeline('[ { log: { timeout: 5s } } ]'),
      /processors\[0\]\.log\.timeout {2}unknown key .*; write timeout beside the processor, and not in its settings$/,
    ],
    [
      'a timeout of an operator',
      pipeline('[ { dedupe: { by: "${! key }" }, timeout: 5s } ]'),
      /processors\[0\]\.dedupe {2}dedupe works on the whole flow, not on one message at a time, so it has no timeout$/,
    ],
    [
      'a timeout beside try',
      pipeline('[ { try: [ log ], timeout: 5s } ]'),
      /"timeout" has no place beside try; write timeout beside the processors within it$/,
    ],
    [
      'an empty try',
      pipeline('[ { try: [] } ]'),
      /processors\[0\]\.try {2}expected a list with at least one processor$/,
    ],
    [
      'a try that is no list',
      pipeline('[ { try: log } ]'),
      /processors\[0\]\.try {2}expected a list with at least one/,
    ],
    [
      'a catch that is no list',
      pipeline('[ { try: [ log ], catch: log } ]'),
      /processors\[0\]\.catch {2}expected a list of processors$/,
    ],
    [
      'a processor beside try',
      pipeline('[ { try: [ log ], map: {} } ]'),
      /"map" has no place beside try; an entry has try, catch and on_error/,
    ],
    [
      'an unknown processor within try',
      pipeline('[ { try: [ { mapp: {} } ] } ]'),
      /processors\[0\]\.try\[0\] {2}there is no processor "mapp"; .*did you mean "map"\?$/,
    ],
    [
      'a wrong setting within catch',
      pipeline('[ { try: [ log ], catch: [ { log: { level: loud } } ] } ]'),
      /processors\[0\]\.catch\[0\]\.log\.level {2}expected one of debug, info, warn, error/,
    ],
    [
      'two processors in one entry',
      pipeline('[ { log: {}, map: {}, on_error: skip } ]'),
      /expected one processor, but this names 2: log, map$/,
    ],
    [
      'dead_letter without a topic',
      pipeline('[ { try: [ { log: {}, on_error: dead_letter } ] } ]'),
      /processors\[0\]\.try\[0\]\.on_error {2}there is no topic for dead letters; name one at the pipeline/,
    ],
    [
      'an expression that nothing evaluates',
      pipeline('[ { try: [ { extract: { path: "${! json.a }" } } ] } ]'),
      /try\[0\]\.extract\.path {2}"\$\{! \}" is not evaluated here/,
    ],
    [
      'a field of meta that there is not',
      pipeline('[ { try: [ { map: { key: "${! meta.client }" } } ] } ]'),
      /try\[0\]\.map\.key .*never has meta\.client; did you mean "client_id"\?/,
    ],
    [
      'fields with nothing to do',
      pipeline('[ { fields: {} } ]'),
      /processors\[0\]\.fields {2}says nothing to do; give keep, remove, rename or set$/,
    ],
    [
      'a path with a hole',
      pipeline('[ { fields: { remove: [ a..b ] } } ]'),
      /fields\.remove\[0\] {2}"a\.\.b" has a dot without a name beside it; a dot within a name is written/,
    ],
    [
      'a path to set with a hole',
      pipeline('[ { fields: { set: { a.: 1 } } } ]'),
      /fields\.set\.a\. {2}"a\." has a dot without a name beside it/,
    ],
    [
      'renames that meet',
      pipeline('[ { fields: { rename: { a: c, b: c.d } } } ]'),
      /fields\.rename\.b {2}"c\.d" and "c" of rename would overwrite each other; give one of them another path$/,
    ],
    [
      'an expression in set that is none',
      pipeline('[ { fields: { set: { a: { b: "${! json. }" } } } } ]'),
      /fields\.set\.a /,
    ],
    [
      'a mask in two ways',
      pipeline('[ { mask: { fields: [ a ], redact: x, partial: { last: 4 } } } ]'),
      /mask {2}give exactly one of redact, partial and hash$/,
    ],
    ['a mask of nothing', pipeline('[ { mask: { redact: x } } ]'), /mask\.fields {2}is missing/],
    [
      'a key that can be guessed',
      pipeline('[ { mask: { fields: [ a ], hash: { key: short } } } ]'),
      /mask\.hash\.key {2}a key needs at least 16 characters, .*fill it in from the environment/,
    ],
    [
      'a nest in two ways',
      pipeline('[ { nest: { under: a, delimiter: . } } ]'),
      /nest {2}give either under, .* or delimiter/,
    ],
    ['fields without under', pipeline('[ { nest: { delimiter: ., fields: [ a ] } } ]'), /nest {2}fields need under/],
    [
      'a split in no way',
      pipeline('[ { split: { max: 5 } } ]'),
      /split {2}give exactly one of path, lines and delimiter$/,
    ],
    [
      'headers with nothing to do',
      pipeline('[ headers ]'),
      /headers|processors\[0\] {2}says nothing to do; give set, remove or rename$/,
    ],
    [
      'a schema that is none',
      pipeline('[ { validate: { schema: { type: text } } } ]'),
      /validate\.schema {2}the schema cannot be used: /,
    ],
    [
      'a schema file that is not there',
      pipeline('[ { validate: { file: /nowhere/a.json } } ]'),
      /validate\.file {2}the schema \/nowhere\/a\.json cannot be read: ENOENT/,
    ],
    [
      'a format that is none',
      pipeline('[ { decompress: { with: rar } } ]'),
      /decompress\.with {2}expected one of auto, gzip/,
    ],
    [
      'a limit that is not a size',
      pipeline('[ { decompress: { limit: 5 } } ]'),
      /decompress\.limit {2}expected a size such as 64KiB or 1MiB/,
    ],
  ];
  for (const [title, text, expected] of cases)
    test(title, async () => {
      const lines = (await problemsOf(text)).filter(({ severity }) => severity === 'error').map(formatProblem);
      const { warnings } = lines.length === 0 ? await load(text) : { warnings: [] };
      const all = [...lines, ...warnings.map(formatProblem)];
      assert.equal(all.length, 1, all.join('\n'));
      assert.match(all[0] ?? '', expected);
    });
});

test('dead_letter needs a topic of the pipeline, and fail contradicts a pipeline that skips', async () => {
  await load(pipeline('[ { log: {}, on_error: dead_letter } ]', LETTERS));
  const skips = yaml({
    pipelines:
      'pipelines: { in: { source: { topic: { names: [ chat ], group: g } }, processors: [ { log: {}, on_error: fail } ], sink: { topic: { name: copy } }, on_error: { skip: true } } }',
  });
  assert.match(
    (await problemsOf(skips)).map(formatProblem).join(),
    /processors\[0\]\.on_error {2}fail contradicts on_error\.skip: true/,
  );
});
